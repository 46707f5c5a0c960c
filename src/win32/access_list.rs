//! Reads a security descriptor in its text form (SDDL) and says who besides the trusted could use a
//! file.
//!
//! The form is Microsoft's "Security Descriptor String Format": `O:owner G:group
//! D:flags(type;flags;rights;;;account)…`. Whatever is not understood counts as the worst that it
//! could mean.

/// The account of the system itself, `NT AUTHORITY\SYSTEM`.
pub(crate) const SYSTEM: &str = "S-1-5-18";
/// The group of administrators, `BUILTIN\Administrators`.
pub(crate) const ADMINISTRATORS: &str = "S-1-5-32-544";
/// Whoever owns the object.
const OWNER_RIGHTS: &str = "S-1-3-4";
/// Everybody.
const EVERYONE: &str = "S-1-1-0";

/// Rights by which nobody learns or changes what is in a file: to run it, to see its attributes and
/// its access list, to wait for it.
const HARMLESS: u32 = 0x0002_0000 | 0x0010_0000 | 0x80 | 0x20 | 0x08;

/// The right to read a file or list a folder, by itself or in a general one.
const READ: u32 = 0x1 | 0x1000_0000 | 0x8000_0000;

/// Rights by which somebody decides what lies in a folder: to add files and folders, to delete
/// them, to delete the folder itself, and to give oneself these rights.
#[cfg(windows)]
const DECIDES: u32 = 0x2 | 0x4 | 0x40 | 0x1_0000 | 0x4_0000 | 0x8_0000 | 0x1000_0000 | 0x4000_0000;

/// What a security descriptor says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Descriptor {
    /// The owner; empty when it is not named.
    pub owner: String,
    /// Whether entries of the folder above are kept out.
    pub protected: bool,
    /// The entries in their order; `None` without an access list, which lets everybody do
    /// everything.
    entries: Option<Vec<AccessEntry>>,
}

/// An entry that allows or denies something on the object itself.
#[derive(Clone, PartialEq, Eq, Debug)]
struct AccessEntry {
    kind: AccessKind,
    account: String,
    rights: u32,
    inherited: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum AccessKind {
    Allows,
    Denies,
}

/// Somebody who could use a file and is none of the trusted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stranger {
    /// The account, as a SID or one of SDDL's two-letter names.
    pub account: String,
    /// Whether the right comes from the folder above.
    pub inherited: bool,
}

impl Descriptor {
    /// Reads the text form.
    pub(crate) fn parse(sddl: &str) -> Self {
        let mut descriptor = Self::default();
        for (part, text) in parts(sddl) {
            match part {
                'O' => descriptor.owner = full(text),
                'D' => descriptor.read_list(text),
                _ => {}
            }
        }
        descriptor
    }

    /// Everybody who could read or change the file, but its owner, the system, administrators and
    /// these accounts.
    pub(crate) fn strangers(&self, trusted: &[&str]) -> Vec<Stranger> {
        self.strangers_with(!HARMLESS, trusted)
    }

    /// Everybody who could decide what lies in the folder, but its owner, the system,
    /// administrators and these accounts.
    #[cfg(windows)]
    pub(crate) fn deciders(&self, trusted: &[&str]) -> Vec<Stranger> {
        self.strangers_with(DECIDES, trusted)
    }

    fn strangers_with(&self, rights: u32, trusted: &[&str]) -> Vec<Stranger> {
        let Some(entries) = &self.entries else {
            // Without any list everybody may do everything.
            return vec![Stranger {
                account: EVERYONE.to_owned(),
                inherited: false,
            }];
        };

        let always_trusted = [SYSTEM, ADMINISTRATORS, OWNER_RIGHTS, &self.owner];
        let mut strangers = Vec::new();
        for entry in entries {
            let account = entry.account.as_str();
            let is_useful = entry.kind == AccessKind::Allows && entry.rights & rights != 0;
            if is_useful && !always_trusted.contains(&account) && !trusted.contains(&account) {
                strangers.push(Stranger {
                    account: entry.account.clone(),
                    inherited: entry.inherited,
                });
            }
        }
        strangers
    }

    /// Whether somebody who is all of these accounts may read: the first entry that concerns one of
    /// them decides.
    pub(crate) fn lets_read(&self, accounts: &[&str]) -> bool {
        let Some(entries) = &self.entries else {
            return true;
        };

        for entry in entries {
            // In their order, as Windows goes through them: a denial counts where it stands before.
            if entry.rights & READ != 0 && accounts.contains(&entry.account.as_str()) {
                return entry.kind == AccessKind::Allows;
            }
        }
        false
    }

    fn read_list(&mut self, text: &str) {
        let flags = text.split('(').next().unwrap_or_default();
        if flags.contains("NO_ACCESS_CONTROL") {
            return;
        }

        self.protected = flags.contains('P');
        self.entries = Some(
            entries(text)
                .into_iter()
                .filter_map(AccessEntry::parse)
                .collect(),
        );
    }
}

impl AccessEntry {
    /// An entry without its brackets: `type;flags;rights;object;inherited
    /// object;account;condition`. `None` for those that neither allow nor deny, or nothing on the
    /// object itself. One with a condition counts as if that were met.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split(';').collect();
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        let flags: Vec<&str> = pairs(field(1)).collect();

        let kind = match field(0) {
            "D" | "OD" | "XD" => AccessKind::Denies,
            // Auditing and labels.
            "AU" | "OU" | "AL" | "OL" | "XU" | "ML" | "RA" | "SP" | "TL" => return None,
            _ => AccessKind::Allows,
        };

        if flags.contains(&"IO") {
            return None;
        }
        Some(Self {
            kind,
            account: full(field(5)),
            rights: rights(field(2)),
            inherited: flags.contains(&"ID"),
        })
    }
}

/// The parts of a descriptor with their letter: `O`, `G`, `D` and `S`.
fn parts(sddl: &str) -> Vec<(char, &str)> {
    // A part begins with its letter and a colon, outside of brackets.
    let mut starts: Vec<(usize, char)> = Vec::new();
    let mut depth = 0_usize;
    let mut before = None;
    for (at, letter) in sddl.char_indices() {
        match (letter, before) {
            ('(', _) => depth += 1,
            (')', _) => depth = depth.saturating_sub(1),
            (':', Some((start, name @ ('O' | 'G' | 'D' | 'S')))) if depth == 0 => {
                starts.push((start, name));
            }
            _ => {}
        }

        before = Some((at, letter));
    }

    let mut parts = Vec::new();
    let mut end = sddl.len();
    for (start, name) in starts.into_iter().rev() {
        parts.push((name, &sddl[start + 2..end]));
        end = start;
    }
    parts.reverse();
    parts
}

/// The entries of a list, without their brackets; a condition may hold brackets of its own.
fn entries(text: &str) -> Vec<&str> {
    let mut entries = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;

    for (at, letter) in text.char_indices() {
        match letter {
            '(' => {
                if depth == 0 {
                    start = at + 1;
                }
                depth += 1;
            }

            ')' if depth == 1 => {
                depth = 0;
                entries.push(&text[start..at]);
            }

            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }

    entries
}

/// Words of two letters without anything between them.
fn pairs(text: &str) -> impl Iterator<Item = &str> {
    (0..text.len())
        .step_by(2)
        .map(|at| text.get(at..at + 2).unwrap_or("?"))
}

/// Rights as a number: hexadecimal, decimal, or words such as `FR` and `SD`.
fn rights(text: &str) -> u32 {
    if let Some(hex) = text.strip_prefix("0x") {
        // What cannot be read counts as every right: rather refuse a file than trust it.
        return u32::from_str_radix(hex, 16).unwrap_or(u32::MAX);
    }
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return text.parse().unwrap_or(u32::MAX);
    }

    let mut rights = 0;
    for word in pairs(text) {
        rights |= right(word);
    }
    rights
}

/// One word, by `winnt.h` and `sddl.h`.
fn right(word: &str) -> u32 {
    match word {
        // Generic ones.
        "GA" => 0x1000_0000,
        "GX" => 0x20,
        "GW" => 0x4000_0000,
        "GR" => 0x8000_0000,

        // Those of every object: delete, read and write the list, take it over.
        "SD" => 0x0001_0000,
        "RC" => 0x0002_0000,
        "WD" => 0x0004_0000,
        "WO" => 0x0008_0000,

        // Those of files as a whole.
        "FA" => 0x001F_01FF,
        "FR" => 0x0012_0089,
        "FW" => 0x0012_0116,
        "FX" => 0x0012_00A0,

        // Single bits, whose names are those of directory objects.
        "CC" => 0x1,
        "DC" => 0x2,
        "LC" => 0x4,
        "SW" => 0x8,
        "RP" => 0x10,
        "WP" => 0x20,
        "DT" => 0x40,
        "LO" => 0x80,
        "CR" => 0x100,

        // What is not known may allow anything.
        _ => u32::MAX,
    }
}

/// The SID of those two-letter names that mean the same account on every machine; others stay.
fn full(account: &str) -> String {
    let sid = match account.trim() {
        "SY" => SYSTEM,
        "BA" => ADMINISTRATORS,
        "OW" => OWNER_RIGHTS,
        "WD" => EVERYONE,

        // Whoever has logged on, in one way or another.
        "AU" => "S-1-5-11",
        "IU" => "S-1-5-4",
        "NU" => "S-1-5-2",
        "AN" => "S-1-5-7",

        // Groups of the machine, and accounts of services.
        "BU" => "S-1-5-32-545",
        "BG" => "S-1-5-32-546",
        "PU" => "S-1-5-32-547",
        "LS" => "S-1-5-19",
        "NS" => "S-1-5-20",
        "CO" => "S-1-3-0",
        other => other,
    };
    sid.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SERVICE: &str = "S-1-5-80-1-2-3-4-5";
    const OWNER: &str = "S-1-5-21-1-2-3-1001";

    fn strangers(sddl: &str) -> Vec<String> {
        let mut strangers = Vec::new();
        for stranger in Descriptor::parse(sddl).strangers(&[SERVICE]) {
            let from_above = if stranger.inherited { " inherited" } else { "" };
            strangers.push(format!("{}{from_above}", stranger.account));
        }
        strangers
    }

    /// Whether the service may read, as itself or as a member of two groups.
    fn service_reads(sddl: &str) -> bool {
        Descriptor::parse(sddl).lets_read(&[SERVICE, EVERYONE, "S-1-5-11"])
    }

    #[test]
    fn system_administrators_owner_and_service_are_no_strangers() {
        let sddl = format!(
            "O:{OWNER}G:DUD:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;OICI;FA;;;{OWNER})\
             (A;;0x1200a9;;;{SERVICE})(A;;FA;;;OW)"
        );

        assert_eq!(strangers(&sddl), [""; 0]);
        assert!(Descriptor::parse(&sddl).protected);
        assert_eq!(Descriptor::parse(&sddl).owner, OWNER);
    }

    #[test]
    fn whoever_else_can_read_is_a_stranger_and_where_that_comes_from_is_said() {
        // What a file in %ProgramData% gets by default.
        let inherited = "O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)";
        assert_eq!(strangers(inherited), ["S-1-5-32-545 inherited"]);
        assert_eq!(
            strangers("O:BAD:(A;;FR;;;WD)(A;;0x3;;;S-1-5-21-9)"),
            ["S-1-1-0", "S-1-5-21-9"]
        );
    }

    #[test]
    fn who_can_replace_the_file_or_its_access_list_is_a_stranger_too() {
        let rights = [
            "FW",
            "SD",
            "WD",
            "WO",
            "GA",
            "GR",
            "CCDC",
            "0x2",
            "0x40000",
            "ZZ",
            "4294967296",
        ];

        for right in rights {
            assert_eq!(
                strangers(&format!("O:BAD:P(A;;{right};;;AU)")),
                ["S-1-5-11"],
                "{right}"
            );
        }
    }

    #[test]
    fn harmless_rights_denials_and_entries_for_what_lies_below_do_not_count() {
        assert_eq!(
            strangers("O:BAD:P(A;;0x1200a8;;;BU)(D;;FA;;;WD)(A;OICIIO;FA;;;CO)(A;;RC;;;WD)"),
            [""; 0]
        );
    }

    #[test]
    fn without_an_access_list_everybody_is_a_stranger() {
        assert_eq!(strangers("O:BAG:SY"), [EVERYONE]);
        assert_eq!(strangers("O:BAD:NO_ACCESS_CONTROL"), [EVERYONE]);
        assert_eq!(
            strangers("O:BAD:P"),
            [""; 0],
            "an empty list lets nobody in"
        );
    }

    #[test]
    fn a_condition_with_brackets_ends_no_entry() {
        let sddl =
            "O:BAD:P(XA;;FR;;;WD;(@User.title==\"PM\" && (a || b)))(A;;FA;;;SY)S:(AU;SA;FA;;;WD)";
        assert_eq!(strangers(sddl), [EVERYONE]);
    }

    #[test]
    fn the_first_entry_that_concerns_an_account_says_whether_it_reads() {
        assert!(service_reads("O:BAD:PAI(A;OICI;0x1200a9;;;AU)"));
        assert!(service_reads("O:BAD:(A;;FR;;;WD)"));
        assert!(service_reads("O:BA"));
        assert!(service_reads("O:BAD:(D;;WD;;;AU)(A;;FA;;;WD)"));

        assert!(!service_reads(
            "O:BAD:PAI(A;OICI;FA;;;BA)(A;OICIIO;FR;;;WD)"
        ));
        assert!(!service_reads("O:BAD:P(A;;FX;;;WD)"));
        assert!(!service_reads("O:BAD:(D;;FR;;;AU)(A;;FA;;;WD)"));
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC*", list in "[OGDS:();A-Z0-9x-]{0,60}") {
            Descriptor::parse(&text).strangers(&[]);
            Descriptor::parse(&list).strangers(&[]);
        }
    }
}
