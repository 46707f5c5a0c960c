//! The house stands on layers: `src` is read, and its imports are held against the order below.
//!
//! Two claims, without exceptions. A folder (or file) at the top of `src` imports only what stands
//! below it. And at every level of the tree the parts of one module form no loop: whoever changes
//! one of them need not read the others first. A module and its own parts may know each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;

/// The layers, lowest first. Those of one layer may know each other where that forms no loop.
const LAYERS: &[&[&str]] = &[
    &[
        "blocking",
        "clock",
        "error_chain",
        "exit",
        "file_names",
        "moment",
        "pipeline",
        "plural",
        "server",
        "win32",
    ],
    &["katalon", "secrets", "state_dir"],
    &["discovery", "workspace"],
    &["plan"],
    &["config", "spool", "watch"],
    &["ado", "intake", "outbox", "service"],
    &["connect", "telemetry"],
    &["record", "submit"],
    &["check", "daemon"],
    &["cli"],
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
fn imports_of(sources: &BTreeMap<PathBuf, (Module, syn::File)>) -> Vec<Import> {
    let modules: BTreeSet<Module> = sources.values().map(|(module, _)| module.clone()).collect();
    let mut imports = Vec::new();

    for (file, (module, syntax)) in sources {
        let mut reader = Reader {
            inside: module.clone(),
            paths: Vec::new(),
        };
        reader.visit_file(syntax);

        for path in reader.paths {
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

/// Collects the paths of a file, each from the crate's root.
struct Reader {
    inside: Module,
    paths: Vec<Module>,
}

impl Reader {
    /// Takes a path that says from where it starts; one that does not leads to a part of this
    /// module, or to a name that an import has brought already.
    fn take(&mut self, segments: &[String]) {
        let mut from = match segments.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self") => self.inside.clone(),
            Some("super") => self.inside[..self.inside.len().saturating_sub(1)].to_vec(),
            _ => return,
        };

        for segment in &segments[1..] {
            match segment.as_str() {
                "super" => drop(from.pop()),
                "self" | "*" => (),
                name => from.push(name.to_owned()),
            }
        }

        self.paths.push(from);
    }

    fn take_tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: String| [before, &[name]].concat();

        match tree {
            syn::UseTree::Path(path) => self.take_tree(&with(path.ident.to_string()), &path.tree),
            syn::UseTree::Name(name) => self.take(&with(name.ident.to_string())),
            syn::UseTree::Rename(rename) => self.take(&with(rename.ident.to_string())),
            syn::UseTree::Glob(_) => self.take(before),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.take_tree(before, tree);
                }
            }
        }
    }
}

impl<'syntax> Visit<'syntax> for Reader {
    fn visit_item_mod(&mut self, module: &'syntax syn::ItemMod) {
        if is_for_tests(&module.attrs) {
            return;
        }

        self.inside.push(module.ident.to_string());
        syn::visit::visit_item_mod(self, module);
        self.inside.pop();
    }

    fn visit_item_use(&mut self, item: &'syntax syn::ItemUse) {
        if !is_for_tests(&item.attrs) {
            self.take_tree(&[], &item.tree);
        }
    }

    fn visit_item_fn(&mut self, item: &'syntax syn::ItemFn) {
        if !is_for_tests(&item.attrs) {
            syn::visit::visit_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'syntax syn::Path) {
        let segments: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        self.take(&segments);
        syn::visit::visit_path(self, path);
    }

    // What stands inside a macro is no syntax yet: its paths are read from the words.
    fn visit_macro(&mut self, item: &'syntax syn::Macro) {
        self.visit_path(&item.path);

        let words = item.tokens.to_string();
        let mut rest = words.as_str();

        while let Some(at) = rest.find("crate ::") {
            rest = &rest[at..];
            let segments: Vec<String> = rest
                .split("::")
                .map(|segment| {
                    let name: String = segment
                        .trim_start()
                        .chars()
                        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                        .collect();
                    name
                })
                .take_while(|name| !name.is_empty())
                .collect();
            self.take(&segments);
            rest = &rest["crate ::".len()..];
        }
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|condition| condition.is_ident("test"))
    })
}

/// Every source file of the crate but those that are only there for tests.
fn read_sources() -> BTreeMap<PathBuf, (Module, syn::File)> {
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

fn sources(files: &[(&str, &str)]) -> BTreeMap<PathBuf, (Module, syn::File)> {
    let texts = files
        .iter()
        .map(|(path, text)| (Path::new("src").join(path), (*text).to_owned()));
    parse(texts.collect())
}

fn parse(texts: Vec<(PathBuf, String)>) -> BTreeMap<PathBuf, (Module, syn::File)> {
    let mut files: BTreeMap<PathBuf, (Module, syn::File)> = texts
        .into_iter()
        .filter(|(path, _)| !path.ends_with("main.rs"))
        .map(|(path, text)| {
            let syntax = syn::parse_file(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let module = module_of(&path);
            (path, (module, syntax))
        })
        .collect();

    // Files that exist for tests only, and those that another name leads to (`#[path]`).
    let mut for_tests: Vec<Module> = Vec::new();
    let mut renamed: Vec<(PathBuf, Module)> = Vec::new();

    for (path, (module, syntax)) in &files {
        for item in &syntax.items {
            let syn::Item::Mod(part) = item else { continue };
            let mut its_name = module.clone();
            its_name.push(part.ident.to_string());
            if is_for_tests(&part.attrs) && part.content.is_none() {
                for_tests.push(its_name.clone());
            }
            for other in other_paths(&part.attrs) {
                renamed.push((path.parent().unwrap().join(other), its_name.clone()));
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

/// What `#[path = "…"]` says, also inside `#[cfg_attr(…)]`.
fn other_paths(attributes: &[syn::Attribute]) -> Vec<String> {
    let mut paths = Vec::new();
    for attribute in attributes {
        let words = match &attribute.meta {
            syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
                syn::Expr::Lit(syn::ExprLit {
                    lit: syn::Lit::Str(text),
                    ..
                }) => {
                    paths.push(text.value());
                    continue;
                }
                _ => continue,
            },
            syn::Meta::List(list) if list.path.is_ident("cfg_attr") => list.tokens.to_string(),
            _ => continue,
        };
        if let Some((_, after)) = words.split_once("path = \"")
            && let Some((path, _)) = after.split_once('"')
        {
            paths.push(path.to_owned());
        }
    }

    paths
}

/// `src/submit/steps.rs` is the module `submit::steps`.
fn module_of(file: &Path) -> Module {
    let below = file.strip_prefix("src").unwrap().with_extension("");
    let names = below.components();
    let module: Module = names
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
