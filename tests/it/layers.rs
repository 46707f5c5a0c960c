//! The house stands on layers: `src` is read, and its imports are held against the order below.
//!
//! Five claims, all but the third without exceptions. A folder (or file) at the top of `src`
//! imports only what stands below it. At every level of the tree the parts of one module form no loop:
//! whoever changes one of them need not read the others first. A module and its own parts may know
//! each other. What lies in projects is opened through `door` alone. One place starts programs. And
//! a type that other modules see has a name of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

/// The layers, lowest first. Those of one layer may know each other where that forms no loop.
const LAYERS: &[&[&str]] = &[
    &[
        "blocking",
        "child_environment",
        "clock",
        "error_chain",
        "exit",
        "file_names",
        "foreign",
        "holes",
        "locked",
        "measures",
        "moment",
        "pipeline",
        "plural",
        "shell_word",
        "server",
        "stable_number",
        "win32",
        "worked_tokens",
        "worker",
    ],
    &["door", "katalon", "secrets", "state_dir"],
    &["discovery", "workspace"],
    &["plan"],
    &["config", "spool", "watch"],
    &["ado", "intake", "outbox", "service"],
    &["connect", "telemetry"],
    &["mapping", "record", "submit"],
    &["live"],
    &["overview"],
    &["metrics"],
    &["notifications", "page"],
    &["check", "daemon", "setup", "support", "why"],
    &["cli"],
    &["fuzzing"],
];

/// What asks the machine for something of its own, and so may do that beside `door`. Everything
/// else is held: whatever it opens is a project's.
const OF_THE_MACHINE: &[&str] = &[
    "ado",
    "child_environment",
    "cli",
    "clock",
    "config",
    "connect",
    "door",
    "outbox",
    "page",
    "secrets",
    "service",
    "setup",
    "state_dir",
    "support",
    "telemetry",
    "win32",
];

/// Files of what is held that reach outside for something else, and for what.
const OTHERWISE: &[(&str, &str)] = &[
    ("src/check/folders.rs", "whether there is a state folder"),
    ("src/check/machine.rs", "the state folder and kado.toml"),
    (
        "src/check/watches/linux.rs",
        "how many watches there may be",
    ),
    (
        "src/intake/environment.rs",
        "variables that a name may show",
    ),
    ("src/spool.rs", "the copies themselves"),
    ("src/watch/hints/unix.rs", "which folder a watch is on"),
    ("src/watch/hints/windows.rs", "which folder a watch is on"),
    ("src/workspace/replace/unix.rs", "the place that writes"),
    ("src/workspace/replace/windows.rs", "the place that writes"),
];

/// A module by the names from the crate's root to it, `["submit", "steps"]`.
type Module = Vec<String>;

/// One import: who imports what, and the file in which it stands.
struct Import {
    from: Module,
    to: Module,
    file: PathBuf,
}

#[test]
fn no_folder_imports_one_above_it() {
    let imports = imports_of(&read_sources());

    let faults = arrows_up(&imports, LAYERS);

    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_two_parts_of_a_module_import_each_other() {
    let imports = imports_of(&read_sources());

    let faults = loops(&imports);

    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn whatever_reads_projects_opens_them_through_the_door() {
    let mut beside_the_door = Vec::new();
    for (file, (module, _)) in read_sources() {
        let is_of_the_machine = module
            .first()
            .is_some_and(|top| OF_THE_MACHINE.contains(&top.as_str()));
        let name = file.to_string_lossy().replace('\\', "/");
        if is_of_the_machine
            || name.ends_with("/tests.rs")
            || OTHERWISE.iter().any(|(other, _)| name == *other)
        {
            continue;
        }

        // The fence itself holds everybody else: clippy refuses a call that nobody expects.
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        if code.contains("disallowed_methods") {
            beside_the_door.push(name);
        }
    }

    assert_eq!(beside_the_door, [""; 0]);
}

#[test]
fn one_place_starts_programs_so_that_none_gets_what_is_meant_for_kado() {
    let mut others = Vec::new();
    for file in read_sources().into_keys() {
        let name = file.to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        if code.contains("Command::new(") && name != "src/child_environment.rs" {
            others.push(name);
        }
    }

    assert_eq!(others, [""; 0]);
}

#[test]
fn a_type_that_other_modules_see_has_a_name_of_its_own() {
    let mut files_by_name: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
    for (file, (_, tokens)) in read_sources() {
        // Each command has its own, which clap and nobody else sees.
        for name in visible_types(&tokens) {
            if name != "Arguments" {
                files_by_name.entry(name).or_default().insert(file.clone());
            }
        }
    }

    files_by_name.retain(|_, files| files.len() > 1);
    assert!(files_by_name.is_empty(), "{files_by_name:#?}");
}

#[test]
fn a_type_of_a_file_or_its_folder_alone_may_share_its_name() {
    let tokens: TokenStream = "struct A; pub(super) enum B {} pub(crate) type C = A; \
                               pub trait D {} #[cfg(test)] pub struct E; pub(crate) fn f() {}"
        .parse()
        .unwrap();
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();

    assert_eq!(visible_types(&tokens), ["C", "D"]);
}

#[test]
fn an_arrow_up_is_named_with_both_files() {
    let sources = sources(&[
        ("low.rs", "use crate::high::Thing;"),
        ("high.rs", "pub(crate) struct Thing;"),
    ]);

    let faults = arrows_up(&imports_of(&sources), &[&["low"], &["high"]]);

    assert_eq!(faults, ["src/low.rs reaches up to `high` (src/high.rs)"]);
}

#[test]
fn a_folder_without_a_layer_is_named() {
    let sources = sources(&[("low.rs", "use crate::unknown;"), ("unknown.rs", "")]);

    let faults = arrows_up(&imports_of(&sources), &[&["low"]]);

    assert_eq!(faults, ["`unknown` stands in no layer (src/unknown.rs)"]);
}

#[test]
fn a_loop_inside_a_folder_is_found_through_parts_and_macros() {
    let sources = sources(&[
        ("all.rs", "mod one; mod two;"),
        ("all/one.rs", "fn one() { let _ = super::two::part::Two; }"),
        (
            "all/two.rs",
            "mod part; fn two() { println!(\"{}\", crate::all::one::ONE); }",
        ),
        ("all/two/part.rs", ""),
    ]);

    let faults = loops(&imports_of(&sources));

    assert_eq!(
        faults,
        ["`all`: one (src/all/one.rs) and two (src/all/two.rs) import each other"]
    );
}

#[test]
fn a_module_may_know_its_parts_and_tests_may_know_everything() {
    let sources = sources(&[
        ("all.rs", "mod one; use one::One; pub(crate) struct Shared;"),
        (
            "all/one.rs",
            "use super::Shared; #[cfg(test)] mod tests { use crate::other::Other; }",
        ),
        ("other.rs", "use crate::all::Shared;"),
    ]);

    let faults = loops(&imports_of(&sources));

    assert!(faults.is_empty(), "{faults:?}");
}

/// Imports against the order of the layers, each as a sentence.
fn arrows_up(imports: &[Import], layers: &[&[&str]]) -> Vec<String> {
    let layer_of = |name: &str| layers.iter().position(|layer| layer.contains(&name));
    let mut faults = BTreeSet::new();

    for import in imports {
        let (Some(from), Some(to)) = (import.from.first(), import.to.first()) else {
            continue;
        };

        for name in [from, to] {
            if layer_of(name).is_none() {
                faults.insert(format!("`{name}` stands in no layer (src/{name}.rs)"));
            }
        }

        if layer_of(to) > layer_of(from) && layer_of(from).is_some() {
            faults.insert(format!(
                "{} reaches up to `{to}` ({})",
                import.file.display(),
                file_of(&import.to)
            ));
        }
    }

    faults.into_iter().collect()
}

/// Pairs of modules with the same parent that reach each other, each as a sentence.
fn loops(imports: &[Import]) -> Vec<String> {
    // For each parent: which of its parts imports which other one, and where that stands first.
    let mut levels: BTreeMap<Module, BTreeMap<String, BTreeMap<String, String>>> = BTreeMap::new();
    for import in imports {
        let shared = import
            .from
            .iter()
            .zip(&import.to)
            .take_while(|(from, to)| from == to)
            .count();

        // One is a part of the other.
        if shared == import.from.len() || shared == import.to.len() {
            continue;
        }

        levels
            .entry(import.from[..shared].to_vec())
            .or_default()
            .entry(import.from[shared].clone())
            .or_default()
            .entry(import.to[shared].clone())
            .or_insert_with(|| import.file.display().to_string());
    }

    let mut faults = Vec::new();

    for (parent, parts) in &levels {
        for (one, its_imports) in parts {
            for (other, file) in its_imports {
                let Some(back) = way(parts, other, one) else {
                    continue;
                };

                // Each pair once.
                if one < other {
                    faults.push(format!(
                        "`{}`: {one} ({file}) and {other} ({back}) import each other",
                        parent.join("::")
                    ));
                }
            }
        }
    }

    faults
}

/// Whether imports lead from one part to another, and the file in which the first step stands.
fn way(parts: &BTreeMap<String, BTreeMap<String, String>>, from: &str, to: &str) -> Option<String> {
    let mut reached = BTreeSet::new();

    for (first, file) in parts.get(from)? {
        let mut open = vec![first.as_str()];
        while let Some(part) = open.pop() {
            if part == to {
                return Some(file.clone());
            }
            if reached.insert(part.to_owned())
                && let Some(next) = parts.get(part)
            {
                open.extend(next.keys().map(String::as_str));
            }
        }
    }

    None
}

/// Every import that crosses from one module of the crate to another, tests left out.
fn imports_of(sources: &BTreeMap<PathBuf, (Module, Vec<TokenTree>)>) -> Vec<Import> {
    let modules: BTreeSet<Module> = sources.values().map(|(module, _)| module.clone()).collect();
    let mut imports = Vec::new();

    for (file, (module, tokens)) in sources {
        let mut paths = Vec::new();
        collect(tokens, module, &mut paths);

        for path in paths {
            let longest = (1..=path.len())
                .rev()
                .map(|length| path[..length].to_vec())
                .find(|prefix| modules.contains(prefix));

            if let Some(to) = longest
                && to != *module
            {
                imports.push(Import {
                    from: module.clone(),
                    to,
                    file: file.clone(),
                });
            }
        }
    }
    imports
}

/// Collects the paths that say from where they start, each from the crate's root. Another path
/// leads to a part of this module, or to a name that an import has brought already.
fn collect(tokens: &[TokenTree], inside: &Module, paths: &mut Vec<Module>) {
    let mut at = 0;
    while at < tokens.len() {
        if is_for_tests(&tokens[at..]) {
            at += item_length(&tokens[at..]);
            continue;
        }
        if let Some((name, body)) = inline_module(&tokens[at..]) {
            let inner = [inside.as_slice(), &[name]].concat();
            collect(&body, &inner, paths);
            at += 3;
            continue;
        }

        match &tokens[at] {
            TokenTree::Ident(word) if is_start(word) && !follows_path(tokens, at) => {
                at += read_path(&tokens[at..], &[], inside, paths);
            }
            TokenTree::Group(group) => {
                let body: Vec<TokenTree> = group.stream().into_iter().collect();
                collect(&body, inside, paths);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

fn is_start(word: &Ident) -> bool {
    word == "crate" || word == "super" || word == "self"
}

/// `pub(crate)` names no path, and what stands behind `::` goes on with one.
fn follows_path(tokens: &[TokenTree], at: usize) -> bool {
    let goes_on = at + 1 < tokens.len() && is_colon(&tokens[at + 1]);
    let is_behind = at > 0 && is_colon(&tokens[at - 1]);
    is_behind || !goes_on
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(sign) if sign.as_char() == ':')
}

/// Reads the path that begins here; a group behind it, as in `use crate::{a, b::c}`, is several.
/// Gives how many tokens it takes.
fn read_path(
    tokens: &[TokenTree],
    before: &[String],
    inside: &Module,
    paths: &mut Vec<Module>,
) -> usize {
    let mut path = before.to_vec();
    let mut at = 0;
    while let Some(TokenTree::Ident(word)) = tokens.get(at) {
        path.push(word.to_string());
        at += 1;

        let is_followed =
            tokens.get(at).is_some_and(is_colon) && tokens.get(at + 1).is_some_and(is_colon);
        if !is_followed {
            break;
        }
        at += 2;

        if let Some(TokenTree::Group(group)) = tokens.get(at) {
            let body: Vec<TokenTree> = group.stream().into_iter().collect();
            for one in
                body.split(|token| matches!(token, TokenTree::Punct(sign) if sign.as_char() == ','))
            {
                read_path(one, &path, inside, paths);
            }
            return at + 1;
        }
    }

    paths.extend(from_root(&path, inside));
    at.max(1)
}

/// A path from the crate's root.
fn from_root(path: &[String], inside: &Module) -> Option<Module> {
    let mut from = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "self" => inside.clone(),
        "super" => inside[..inside.len().saturating_sub(1)].to_vec(),
        _ => return None,
    };

    for segment in &path[1..] {
        match segment.as_str() {
            "super" => drop(from.pop()),
            "self" => (),
            name => from.push(name.to_owned()),
        }
    }
    Some(from)
}

/// Names of the types of a file that other modules see: `pub` or `pub(crate)`.
fn visible_types(tokens: &[TokenTree]) -> Vec<String> {
    let mut names = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_for_tests(&tokens[at..]) {
            at += item_length(&tokens[at..]);
            continue;
        }

        let item = match &tokens[at..] {
            [TokenTree::Ident(word), TokenTree::Group(within), item @ ..]
                if word == "pub" && within.stream().to_string() == "crate" =>
            {
                item
            }
            [TokenTree::Ident(word), item @ ..] if word == "pub" => item,
            _ => &[],
        };
        if let [TokenTree::Ident(kind), TokenTree::Ident(name), ..] = item
            && ["enum", "struct", "trait", "type"].contains(&kind.to_string().as_str())
        {
            names.push(name.to_string());
        }
        at += 1;
    }
    names
}

/// `mod NAME { … }`.
fn inline_module(tokens: &[TokenTree]) -> Option<(String, Vec<TokenTree>)> {
    match tokens {
        [
            TokenTree::Ident(word),
            TokenTree::Ident(name),
            TokenTree::Group(body),
            ..,
        ] if word == "mod" => Some((name.to_string(), body.stream().into_iter().collect())),
        _ => None,
    }
}

/// Whether an item begins here that is there for tests only: `#[cfg(test)] …`.
fn is_for_tests(tokens: &[TokenTree]) -> bool {
    match tokens {
        [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] if hash.as_char() == '#' => {
            attribute.stream().to_string().replace(' ', "") == "cfg(test)"
        }
        _ => false,
    }
}

/// How many tokens an item takes: up to its body, or to its semicolon.
fn item_length(tokens: &[TokenTree]) -> usize {
    let end = tokens.iter().position(|token| match token {
        TokenTree::Punct(sign) => sign.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    });
    end.map_or(tokens.len(), |end| end + 1)
}

/// Every source file of the crate but those that are only there for tests.
fn read_sources() -> BTreeMap<PathBuf, (Module, Vec<TokenTree>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                texts.push((path.strip_prefix(root).unwrap().to_path_buf(), text));
            }
        }
    }

    assert!(texts.len() > 100, "only {} files were found", texts.len());
    parse(texts)
}

fn sources(files: &[(&str, &str)]) -> BTreeMap<PathBuf, (Module, Vec<TokenTree>)> {
    let texts = files
        .iter()
        .map(|(path, text)| (Path::new("src").join(path), (*text).to_owned()));
    parse(texts.collect())
}

fn parse(texts: Vec<(PathBuf, String)>) -> BTreeMap<PathBuf, (Module, Vec<TokenTree>)> {
    let mut files: BTreeMap<PathBuf, (Module, Vec<TokenTree>)> = BTreeMap::new();
    for (path, text) in texts {
        let tokens: TokenStream = text
            .parse()
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if !path.ends_with("main.rs") {
            files.insert(
                path.clone(),
                (module_of(&path), tokens.into_iter().collect()),
            );
        }
    }

    // Files that exist for tests only, and those to which another name leads (`#[path]`).
    let mut for_tests: Vec<Module> = Vec::new();
    let mut renamed: Vec<(PathBuf, Module)> = Vec::new();
    for (path, (module, tokens)) in &files {
        for (at, token) in tokens.iter().enumerate() {
            let name = match (token, tokens.get(at + 1)) {
                (TokenTree::Ident(word), Some(TokenTree::Ident(name))) if word == "mod" => name,
                _ => continue,
            };
            let its_name = [module.as_slice(), &[name.to_string()]].concat();
            let attributes = attributes_before(&tokens[..at]);

            if attributes.iter().any(|attribute| attribute == "cfg(test)") {
                for_tests.push(its_name.clone());
            }
            for attribute in &attributes {
                if let Some((_, other)) = attribute.split_once("path=\"") {
                    let other = other.split('"').next().unwrap_or_default();
                    renamed.push((path.parent().unwrap().join(other), its_name.clone()));
                }
            }
        }
    }

    for (path, name) in renamed {
        if let Some((module, _)) = files.get_mut(&path) {
            *module = name;
        }
    }
    files.retain(|_, (module, _)| !for_tests.iter().any(|tests| module.starts_with(tests)));
    files
}

/// The attributes that stand right before an item, without blanks; its visibility may stand
/// between.
fn attributes_before(tokens: &[TokenTree]) -> Vec<String> {
    let mut attributes = Vec::new();
    for token in tokens.iter().rev() {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                attributes.push(group.stream().to_string().replace(' ', ""));
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => (),
            TokenTree::Punct(sign) if sign.as_char() == '#' => (),
            TokenTree::Ident(word) if word == "pub" => (),
            _ => break,
        }
    }
    attributes
}

/// `src/submit/steps.rs` is the module `submit::steps`.
fn module_of(file: &Path) -> Module {
    let below = file.strip_prefix("src").unwrap().with_extension("");
    let module: Module = below
        .components()
        .map(|name| name.as_os_str().to_str().unwrap().to_owned())
        .collect();
    if module == ["lib"] {
        Vec::new()
    } else {
        module
    }
}

fn file_of(module: &Module) -> String {
    format!("src/{}.rs", module.join("/"))
}
