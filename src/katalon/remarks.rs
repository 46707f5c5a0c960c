//! What a reader has to say about a file, in words, and within bounds: a file that is wrong in a
//! million places is told of in some of them.

use crate::plural::counted;

/// Remarks of one kind that are kept; of the rest their number.
const MOST: usize = 20;

/// Remarks of one kind.
#[derive(Debug, Default)]
pub(crate) struct Remarks {
    kept: Vec<String>,
    more: usize,
}

impl Remarks {
    /// Adds a remark, which is only made where it is kept.
    pub(crate) fn add(&mut self, remark: impl FnOnce() -> String) {
        if self.kept.len() < MOST {
            self.kept.push(remark());
        } else {
            self.more += 1;
        }
    }

    /// The remarks, with one more that counts those that were not kept: "and 3 more `what`s".
    pub(crate) fn into_list(self, what: &str) -> Vec<String> {
        let mut list = self.kept;
        if self.more > 0 {
            list.push(format!("… and {}", counted(self.more, what)));
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ones_are_kept_and_the_others_counted() {
        let mut remarks = Remarks::default();
        for number in 1..=MOST + 3 {
            remarks.add(|| format!("line {number} is odd"));
        }

        let list = remarks.into_list("more line");

        assert_eq!(list.len(), MOST + 1);
        assert_eq!(list[MOST - 1], "line 20 is odd");
        assert_eq!(list[MOST], "… and 3 more lines");
    }

    #[test]
    fn what_fits_is_told_alone() {
        let mut remarks = Remarks::default();
        remarks.add(|| "line 1 is odd".to_owned());

        assert_eq!(remarks.into_list("more line"), ["line 1 is odd"]);
    }
}
