//! The sources of the relay as tokens: what they import and which names they use.

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One file below `src/`.
pub(super) struct Source {
    /// Its path below `src/`.
    pub(super) inside: String,
    /// The module at the top that it belongs to.
    pub(super) family: String,
    /// What stands in it.
    pub(super) text: String,
    tokens: TokenStream,
}

/// A field of a struct.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) is_public: bool,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Reads a file of the source tree.
pub(super) fn read(path: &str) -> String {
    read_to_string(root().join(path)).unwrap()
}

/// Reads every file below `src/`.
pub(super) fn sources() -> Vec<Source> {
    let root = root().join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&root).unwrap().to_str().unwrap();
                sources.push(Source::new(inside, &read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(sources.len() > 100, "the sources were found");
    sources
}

impl Source {
    /// Takes a text for the file of this path below `src/`.
    pub(super) fn new(inside: &str, text: &str) -> Self {
        let family = inside.split(['/', '.']).next().unwrap().to_owned();
        let tokens = text.parse().unwrap_or_else(|error| panic!("src/{inside}: {error}"));
        Self { inside: inside.to_owned(), family, text: text.to_owned(), tokens }
    }

    /// Returns the families that are named by `crate::…`, or by as many `super::` as lead to the top.
    pub(super) fn imports(&self) -> Vec<String> {
        let depth = self.inside.split('/').count();
        let mut imports = Vec::new();
        visit(&self.tokens, depth, &mut imports);
        imports
    }

    /// Returns whether this path stands in the file, written out or in braces; with `(` at its end, as a call.
    pub(super) fn uses(&self, path: &str) -> bool {
        let wanted: TokenStream = path.trim_end_matches('(').parse().unwrap();
        let wanted: Vec<TokenTree> = wanted.into_iter().collect();
        finds(&self.tokens, &wanted, path.ends_with('('))
    }

    /// Returns where a name stands first, for people: tokens do not know their lines.
    pub(super) fn place_of(&self, name: &str) -> String {
        let is_word = |line: &str| line.split(|letter: char| !is_name(letter)).any(|word| word == name);
        let line = self.text.lines().position(is_word).map_or(1, |index| index + 1);
        format!("src/{}:{line}", self.inside)
    }

    /// Returns the fields of a struct.
    pub(super) fn fields_of(&self, name: &str) -> Vec<Field> {
        let (_, body) = self.structure(name);
        let tokens: Vec<TokenTree> = body.stream().into_iter().collect();
        let fields = tokens.split(|token| is_punct(token, ',')).filter(|field| !field.is_empty());
        fields.map(|field| Field { is_public: field.iter().any(|token| is_ident(token, "pub")) }).collect()
    }

    /// Returns what a struct derives.
    pub(super) fn derives_of(&self, name: &str) -> Vec<String> {
        let (attributes, _) = self.structure(name);
        attributes.split(|letter: char| !letter.is_alphanumeric()).map(str::to_owned).collect()
    }

    /// Returns the attributes before a struct, as text, and its body.
    fn structure(&self, name: &str) -> (String, Group) {
        let tokens: Vec<TokenTree> = self.tokens.clone().into_iter().collect();
        let at = tokens
            .windows(2)
            .position(|pair| is_ident(&pair[0], "struct") && is_ident(&pair[1], name))
            .unwrap_or_else(|| panic!("src/{} has no struct {name}", self.inside));
        let TokenTree::Group(body) = &tokens[at + 2] else { panic!("{name} has fields") };
        let before = tokens[..at].iter().rev().take_while(|token| !ends_an_item(token));
        let attributes: Vec<String> = before.map(ToString::to_string).collect();
        (attributes.join(" "), body.clone())
    }
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn ends_an_item(token: &TokenTree) -> bool {
    is_punct(token, ';') || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == name)
}

fn is_punct(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

/// Returns what follows a `::` at the start.
fn behind_colons(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    match tokens {
        [first, second, rest @ ..] if is_punct(first, ':') && is_punct(second, ':') => Some(rest),
        _ => None,
    }
}

/// Gathers imports; `depth` is how many `super` lead to the top from here.
fn visit(stream: &TokenStream, depth: usize, imports: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = stream.clone().into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let goes_on = at.checked_sub(1).is_some_and(|before| is_punct(&tokens[before], ':'));
        if !goes_on {
            enter(&tokens[at..], depth, imports);
        }
        if let TokenTree::Group(group) = token {
            let is_module = at >= 2 && is_ident(&tokens[at - 2], "mod");
            visit(&group.stream(), depth + usize::from(is_module), imports);
        }
    }
}

/// Follows a path from its first word on.
fn enter(path: &[TokenTree], depth: usize, imports: &mut Vec<String>) {
    let Some(first) = path.first() else { return };
    let Some(rest) = behind_colons(&path[1..]) else { return };
    let depth_there = match first.to_string().as_str() {
        "crate" => 0,
        "super" => depth.saturating_sub(1),
        "self" => depth,
        _ => return,
    };
    for branch in branches(rest) {
        match branch.first() {
            Some(next) if is_ident(next, "super") => enter(&branch, depth_there, imports),
            Some(TokenTree::Ident(name)) if depth_there == 0 => imports.push(name.to_string()),
            Some(_) | None => {}
        }
    }
}

/// Returns a path, or each path of a group in braces.
fn branches(path: &[TokenTree]) -> Vec<Vec<TokenTree>> {
    match path.first() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            inner.split(|token| is_punct(token, ',')).map(<[TokenTree]>::to_vec).collect()
        }
        Some(_) | None => vec![path.to_vec()],
    }
}

/// Returns whether a path stands somewhere, word by word, into braces too; `is_called` wants arguments behind it.
fn finds(stream: &TokenStream, wanted: &[TokenTree], is_called: bool) -> bool {
    let tokens: Vec<TokenTree> = stream.clone().into_iter().collect();
    (0..tokens.len()).any(|at| {
        let is_method = at.checked_sub(1).is_some_and(|before| is_punct(&tokens[before], '.'));
        let inside = match &tokens[at] {
            TokenTree::Group(group) => finds(&group.stream(), wanted, is_called),
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        };
        inside || (!is_method && begins_with(&tokens[at..], wanted, is_called))
    })
}

fn begins_with(path: &[TokenTree], wanted: &[TokenTree], is_called: bool) -> bool {
    let is_call = |next: &TokenTree| matches!(next, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis);
    match (path.first(), wanted.split_first()) {
        (next, None) => !is_called || next.is_some_and(is_call),
        (Some(TokenTree::Group(group)), Some(_)) if group.delimiter() == Delimiter::Brace => {
            branches(path).iter().any(|branch| begins_with(branch, wanted, is_called))
        }
        (Some(token), Some((word, others))) => {
            token.to_string() == word.to_string() && begins_with(&path[1..], others, is_called)
        }
        (None, Some(_)) => false,
    }
}
