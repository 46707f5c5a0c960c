//! Build script: gives kado.exe its version resource and manifest. It does nothing for other
//! systems.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a build script is told by the environment and tells on standard output"
)]

use std::error::Error;

/// Paths may be longer than 260 letters also for libraries that do not care; the program asks for
/// no more rights than whoever starts it has.
const MANIFEST: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0">
  <trustInfo xmlns="urn:schemas-microsoft-com:asm.v3">
    <security>
      <requestedPrivileges>
        <requestedExecutionLevel level="asInvoker" uiAccess="false"/>
      </requestedPrivileges>
    </security>
  </trustInfo>
  <application xmlns="urn:schemas-microsoft-com:asm.v3">
    <windowsSettings xmlns:ws="http://schemas.microsoft.com/SMI/2016/WindowsSettings">
      <ws:longPathAware>true</ws:longPathAware>
    </windowsSettings>
  </application>
</assembly>
"#;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=packaging/windows/resources.rs");
    if std::env::var("CARGO_CFG_TARGET_OS")? == "windows" {
        let mut resource = winresource::WindowsResource::new();
        resource.set("ProductName", "kado");
        resource.set(
            "FileDescription",
            "kado: Katalon suite runs to Azure DevOps Test Plans",
        );
        resource.set("OriginalFilename", "kado.exe");
        resource.set("LegalCopyright", "The kado project; MIT or Apache-2.0");
        resource.set_manifest(MANIFEST);
        resource.compile()?;
    }
    Ok(())
}
