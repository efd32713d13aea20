//! What a transcript's names stand for.

use std::collections::BTreeMap;
use std::fmt;

use crate::pattern::{Part, Template};
use crate::step::Payload;

/// Finds the contents of the files that `@file NAME = PATH` names.
pub type FileSource = dyn Fn(&str) -> Result<Vec<u8>, String>;

/// The names that are known before a transcript begins: what the caller supplies.
#[derive(Default)]
pub struct Bindings {
    variables: BTreeMap<String, String>,
    files: BTreeMap<String, Vec<u8>>,
    source: Option<Box<FileSource>>,
}

impl fmt::Debug for Bindings {
    /// Names only: contents may be keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variables, files, source } = self;
        f.debug_struct("Bindings")
            .field("variables", &variables.keys())
            .field("files", &files.keys())
            .field("source", &source.is_some())
            .finish()
    }
}

impl Bindings {
    /// Nothing is bound.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a variable its value, as `@set` does.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Binds contents to a name, as `@file` does.
    #[must_use]
    pub fn file(mut self, name: &str, contents: impl Into<Vec<u8>>) -> Self {
        self.files.insert(name.into(), contents.into());
        self
    }

    /// Says how `@file NAME = PATH` finds its contents. Without it such a step fails.
    #[must_use]
    pub fn source(mut self, source: impl Fn(&str) -> Result<Vec<u8>, String> + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}

/// The names in one run.
pub(crate) struct Names<'a> {
    variables: BTreeMap<String, Vec<u8>>,
    files: BTreeMap<String, Vec<u8>>,
    source: Option<&'a FileSource>,
    /// The payload sent last on each line, oldest first.
    sent: Vec<(u8, Vec<u8>)>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(bindings: &'a Bindings) -> Self {
        Self {
            variables: bindings.variables.iter().map(|(k, v)| (k.clone(), v.clone().into_bytes())).collect(),
            files: bindings.files.clone(),
            source: bindings.source.as_deref(),
            sent: Vec::new(),
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: Vec<u8>) {
        self.variables.insert(name.into(), value);
    }

    pub(crate) fn bind(&mut self, name: &str, contents: Vec<u8>) {
        self.files.insert(name.into(), contents);
    }

    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let source = self.source.ok_or("no file can be read here; let the caller bind it by name")?;
        source(path).map_err(|error| format!("{path}: {error}"))
    }

    pub(crate) fn file(&self, name: &str) -> Result<&Vec<u8>, String> {
        self.files.get(name).ok_or_else(|| {
            format!("no file is bound to the name {name}; known are: {}", list(self.files.keys()))
        })
    }

    /// Payload was sent on a line.
    pub(crate) fn sent(&mut self, line: u8, bytes: Vec<u8>) {
        self.sent.retain(|(other, _)| *other != line);
        self.sent.push((line, bytes));
    }

    /// The bytes of a payload; `last` is that of `line`, or of whatever line sent last.
    pub(crate) fn payload(&self, payload: &Payload, line: Option<u8>) -> Result<Vec<u8>, String> {
        match payload {
            Payload::Bytes(bytes) => Ok(bytes.clone()),
            Payload::File(name) => self.file(name).cloned(),
            Payload::Generated { count, fill } => Ok(fill.bytes(*count)),
            Payload::Last => {
                let last = self.sent.iter().rev().find(|(other, _)| line.is_none_or(|line| line == *other));
                last.map(|(_, bytes)| bytes.clone()).ok_or_else(|| "no payload has been sent yet".into())
            }
        }
    }

    /// Replaces names by what they stand for; only bytes and placeholders are left.
    pub(crate) fn resolve(&self, template: &Template) -> Result<Vec<Part>, String> {
        let mut parts: Vec<Part> = Vec::with_capacity(template.parts.len());
        for part in &template.parts {
            let bytes = match part {
                Part::Bytes(bytes) => bytes.clone(),
                Part::Variable(name) => self.variables.get(name).cloned().ok_or_else(|| {
                    format!("no variable is called {name}; known are: {}", list(self.variables.keys()))
                })?,
                Part::Length(name) => self.file(name)?.len().to_string().into_bytes(),
                any @ Part::Any(..) => {
                    parts.push(any.clone());
                    continue;
                }
            };
            parts.push(Part::Bytes(bytes));
        }
        Ok(parts)
    }

    /// Resolves a template without placeholders.
    pub(crate) fn text(&self, template: &Template) -> Result<Vec<u8>, String> {
        let parts = self.resolve(template)?;
        Ok(parts
            .into_iter()
            .flat_map(|part| if let Part::Bytes(b) = part { b } else { Vec::new() })
            .collect())
    }
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() { String::from("none") } else { names.join(", ") }
}
