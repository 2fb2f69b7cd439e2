//! What templates written for Python's Jinja2 expect and minijinja does differently: json.dumps, repr, str's
//! methods.

use minijinja::value::{from_args, Kwargs, Rest, Value, ValueKind};
use minijinja::{Error, ErrorKind, Output, State};
use std::fmt::Write;

fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, text.into())
}

/// float.__repr__: shortest digits, an exponent outside [1e-4, 1e16).
pub fn float_repr(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_string();
    }
    if value.is_infinite() {
        return (if value > 0.0 { "inf" } else { "-inf" }).to_string();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value == 0.0 || (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

fn is_float(value: &Value) -> bool {
    value.kind() == ValueKind::Number && !value.is_integer()
}

fn as_float(value: &Value) -> f64 {
    f64::try_from(value.clone()).unwrap_or(f64::NAN)
}

fn repr_text(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other if other == quote => {
                out.push('\\');
                out.push(other);
            }
            other if (other as u32) < 0x20 || (0x7f..0xa1).contains(&(other as u32)) || other == '\u{ad}' => {
                let _ = write!(out, "\\x{:02x}", other as u32);
            }
            other => out.push(other),
        }
    }
    out.push(quote);
}

const DEEPEST: usize = 128;

fn deeper(depth: usize) -> Result<usize, Error> {
    if depth == DEEPEST {
        return Err(invalid(format!("a value is nested deeper than {DEEPEST}")));
    }
    Ok(depth + 1)
}

fn repr(out: &mut String, value: &Value, depth: usize) -> Result<(), Error> {
    match value.kind() {
        ValueKind::String => repr_text(out, value.as_str().unwrap_or_default()),
        ValueKind::Number if is_float(value) => out.push_str(&float_repr(as_float(value))),
        ValueKind::Undefined => out.push_str("Undefined"),
        ValueKind::Map => {
            let depth = deeper(depth)?;
            out.push('{');
            for (at, key) in value.try_iter()?.enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                repr(out, &key, depth)?;
                out.push_str(": ");
                repr(out, &value.get_item(&key)?, depth)?;
            }
            out.push('}');
        }
        ValueKind::Seq => {
            let depth = deeper(depth)?;
            out.push('[');
            for (at, item) in value.try_iter()?.enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                repr(out, &item, depth)?;
            }
            out.push(']');
        }
        _ => {
            let _ = write!(out, "{value}");
        }
    }
    Ok(())
}

/// {{ value }} as str(value) prints it.
pub fn print(out: &mut Output, state: &State, value: &Value) -> Result<(), Error> {
    let structured = matches!(value.kind(), ValueKind::Seq | ValueKind::Map);
    if structured || is_float(value) {
        let mut text = String::new();
        repr(&mut text, value, 0)?;
        return out.write_str(&text).map_err(Error::from);
    }
    minijinja::escape_formatter(out, state, value)
}

struct Dump {
    ascii: bool,
    indent: Option<String>,
    item: String,
    key: String,
    sorted: bool,
}

impl Dump {
    fn text(&self, out: &mut String, text: &str) {
        out.push('"');
        for character in text.chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                other if (other as u32) < 0x20 || (self.ascii && !(' '..='~').contains(&other)) => {
                    let mut units = [0u16; 2];
                    for unit in other.encode_utf16(&mut units) {
                        let _ = write!(out, "\\u{unit:04x}");
                    }
                }
                other => out.push(other),
            }
        }
        out.push('"');
    }

    fn line(&self, out: &mut String, depth: usize) {
        if let Some(indent) = &self.indent {
            out.push('\n');
            for _ in 0..depth {
                out.push_str(indent);
            }
        }
    }

    fn key(&self, out: &mut String, key: &Value) -> Result<(), Error> {
        match key.kind() {
            ValueKind::String => self.text(out, key.as_str().unwrap_or_default()),
            ValueKind::Number | ValueKind::Bool | ValueKind::None => {
                let mut bare = String::new();
                self.value(&mut bare, key, 0)?;
                self.text(out, &bare);
            }
            other => return Err(invalid(format!("a {other} cannot be a key in JSON"))),
        }
        Ok(())
    }

    fn value(&self, out: &mut String, value: &Value, depth: usize) -> Result<(), Error> {
        match value.kind() {
            ValueKind::None => out.push_str("null"),
            ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number if is_float(value) => {
                let text = float_repr(as_float(value));
                out.push_str(match text.as_str() {
                    "nan" => "NaN",
                    "inf" => "Infinity",
                    "-inf" => "-Infinity",
                    other => other,
                });
            }
            ValueKind::Number => {
                let _ = write!(out, "{value}");
            }
            ValueKind::String => self.text(out, value.as_str().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Iterable => {
                let inner = deeper(depth)?;
                let items: Vec<Value> = value.try_iter()?.collect();
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push_str(&self.item);
                    }
                    self.line(out, inner);
                    self.value(out, item, inner)?;
                }
                if !items.is_empty() {
                    self.line(out, depth);
                }
                out.push(']');
            }
            ValueKind::Map => {
                let inner = deeper(depth)?;
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.sorted {
                    keys.sort();
                }
                out.push('{');
                for (at, key) in keys.iter().enumerate() {
                    if at > 0 {
                        out.push_str(&self.item);
                    }
                    self.line(out, inner);
                    self.key(out, key)?;
                    out.push_str(&self.key);
                    self.value(out, &value.get_item(key)?, inner)?;
                }
                if !keys.is_empty() {
                    self.line(out, depth);
                }
                out.push('}');
            }
            other => return Err(invalid(format!("a value of the kind {other} has no JSON form"))),
        }
        Ok(())
    }
}

/// The filter of transformers: json.dumps(value, ensure_ascii, indent, separators, sort_keys) without HTML
/// escapes.
pub fn tojson(value: Value, arguments: Rest<Value>) -> Result<Value, Error> {
    let (positional, named): (&[Value], Kwargs) = from_args(&arguments)?;
    let argument = |at: usize, name: &str| -> Result<Option<Value>, Error> {
        let given = match positional.get(at) {
            Some(given) => Some(given.clone()),
            None => named.get::<Option<Value>>(name)?,
        };
        Ok(given.filter(|given| !given.is_none() && !given.is_undefined()))
    };
    let indent = match argument(1, "indent")? {
        None => None,
        Some(indent) => match indent.as_str() {
            Some(text) => Some(text.to_string()),
            None => {
                let width =
                    usize::try_from(indent).map_err(|_| invalid("tojson: indent is not a small number"))?;
                if width > 64 {
                    return Err(invalid(format!("tojson: indent is {width}, at most 64 is allowed")));
                }
                Some(" ".repeat(width))
            }
        },
    };
    let mut item = (if indent.is_some() { "," } else { ", " }).to_string();
    let mut key = ": ".to_string();
    if let Some(separators) = argument(2, "separators")? {
        let parts: Vec<Value> = separators.try_iter()?.collect();
        match parts.iter().map(Value::as_str).collect::<Vec<_>>()[..] {
            [Some(first), Some(second)] => (item, key) = (first.to_string(), second.to_string()),
            _ => return Err(invalid("tojson: separators are not two texts")),
        }
    }
    let dump = Dump {
        ascii: argument(0, "ensure_ascii")?.is_some_and(|ascii| ascii.is_true()),
        indent,
        item,
        key,
        sorted: argument(3, "sort_keys")?.is_some_and(|sorted| sorted.is_true()),
    };
    named.assert_all_used()?;
    let mut out = String::new();
    dump.value(&mut out, &value, 0)?;
    Ok(Value::from(out))
}

/// str.isspace of one character.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

fn strip<'a>(text: &'a str, characters: Option<&str>, start: bool, end: bool) -> &'a str {
    let removed = |character: char| match characters {
        Some(set) => set.contains(character),
        None => is_space(character),
    };
    let text = if start { text.trim_start_matches(removed) } else { text };
    if end {
        text.trim_end_matches(removed)
    } else {
        text
    }
}

/// The filter trim: str(value).strip(characters).
pub fn trim(value: &Value, characters: Option<String>) -> String {
    match value.as_str() {
        Some(text) => strip(text, characters.as_deref(), true, true).to_string(),
        None => strip(&value.to_string(), characters.as_deref(), true, true).to_string(),
    }
}

fn split_from_right(text: &str, separator: Option<&str>, limit: Option<i64>) -> Result<Value, Error> {
    let limit = limit.filter(|limit| *limit >= 0).map_or(usize::MAX, |limit| limit as usize);
    let mut parts: Vec<String> = Vec::new();
    match separator {
        Some("") => return Err(invalid("rsplit: the separator is empty")),
        Some(separator) => {
            parts.extend(text.rsplitn(limit.saturating_add(1), separator).map(str::to_string));
        }
        None => {
            let mut rest = text.trim_end_matches(is_space);
            while !rest.is_empty() {
                let cut = if parts.len() < limit { rest.rfind(is_space) } else { None };
                let from = cut.map_or(0, |cut| cut + rest[cut..].chars().next().map_or(1, char::len_utf8));
                parts.push(rest[from..].to_string());
                rest = cut.map_or("", |cut| rest[..cut].trim_end_matches(is_space));
            }
        }
    }
    parts.reverse();
    Ok(Value::from(parts))
}

fn text_method(text: &str, method: &str, arguments: &[Value]) -> Result<Option<Value>, Error> {
    let position = |found: Option<usize>| -> Result<Value, Error> {
        let at = found.ok_or_else(|| invalid("substring not found"))?;
        Ok(Value::from(text[..at].chars().count()))
    };
    Ok(Some(match method {
        "strip" | "lstrip" | "rstrip" => {
            let (characters,): (Option<&str>,) = from_args(arguments)?;
            Value::from(strip(text, characters, method != "rstrip", method != "lstrip"))
        }
        "rsplit" => {
            let (separator, limit): (Option<&str>, Option<i64>) = from_args(arguments)?;
            split_from_right(text, separator, limit)?
        }
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(arguments)?;
            Value::from(text.strip_prefix(prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(arguments)?;
            Value::from(text.strip_suffix(suffix).unwrap_or(text))
        }
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(arguments)?;
            let last = method == "rpartition";
            let halves = if last { text.rsplit_once(separator) } else { text.split_once(separator) };
            let parts = match halves {
                Some((before, after)) => [before, separator, after],
                None if last => ["", "", text],
                None => [text, "", ""],
            };
            Value::from(parts.map(str::to_string).to_vec())
        }
        "index" => {
            let (part,): (&str,) = from_args(arguments)?;
            position(text.find(part))?
        }
        "rindex" => {
            let (part,): (&str,) = from_args(arguments)?;
            position(text.rfind(part))?
        }
        "zfill" => {
            let (width,): (usize,) = from_args(arguments)?;
            let missing = width.min(4096).saturating_sub(text.chars().count());
            let (sign, digits) = match text.strip_prefix(['+', '-']) {
                Some(digits) => text.split_at(text.len() - digits.len()),
                None => ("", text),
            };
            Value::from(format!("{sign}{}{digits}", "0".repeat(missing)))
        }
        _ => return Ok(None),
    }))
}

pub fn unknown_method(
    state: &State,
    value: &Value,
    method: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    if let Some(text) = value.as_str() {
        if let Some(found) = text_method(text, method, arguments)? {
            return Ok(found);
        }
    }
    if value.kind() == ValueKind::Seq && method == "index" {
        let (wanted,): (Value,) = from_args(arguments)?;
        let at = value.try_iter()?.position(|item| item == wanted);
        return at.map(Value::from).ok_or_else(|| invalid(format!("{wanted} is not in the list")));
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, arguments)
}
