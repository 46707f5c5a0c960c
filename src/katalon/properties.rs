//! Java `.properties` files in Katalon's quoting.
