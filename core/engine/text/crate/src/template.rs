//! Chat templates with the semantics of transformers' apply_chat_template, without access to anything
//! outside.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use serde_json::{Map, Value as Json};

use crate::bounded::bounded;
use crate::dates::Moment;
use crate::failure::{fail, shown, Failure, Outcome};
use crate::python;

pub const MAXIMUM_TEMPLATE: usize = 256 << 10;
pub const MAXIMUM_OUTPUT: usize = 16 << 20;
const FUEL: u64 = 10_000_000;
const NAME: &str = "chat template";

pub struct ChatTemplate {
    environment: Arc<Environment<'static>>,
    /// A rendering over its limits holds on to the environment for ever.
    stopped: AtomicBool,
}

/// raise_exception(message): the template's own words for the user.
#[derive(Debug)]
struct Raised(String);

impl fmt::Display for Raised {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
impl std::error::Error for Raised {}

struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > MAXIMUM_OUTPUT - self.bytes.len() {
            self.full = true;
            return Err(io::Error::other("too much output"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// {% generation %} marks the answer for training and prints nothing. It is a scope of its own, so it becomes
/// a bare {% with %}; the signs of white space control stay.
fn without_generation(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(open) = rest.find("{%") {
        let (before, tag) = rest.split_at(open);
        out.push_str(before);
        let inner = &tag[2..];
        let sign = inner.chars().next().filter(|sign| matches!(sign, '-' | '+'));
        let body = inner[sign.map_or(0, |_| 1)..].trim_start();
        let word = ["endgeneration", "generation"].into_iter().find(|word| body.starts_with(word));
        let replaced = word.and_then(|word| {
            let after = body[word.len()..].trim_start();
            let close = ["-%}", "+%}", "%}"].into_iter().find(|close| after.starts_with(close))?;
            let with = if word == "generation" { "with" } else { "endwith" };
            Some((
                format!("{{%{} {with} {close}", sign.map(String::from).unwrap_or_default()),
                &after[close.len()..],
            ))
        });
        match replaced {
            Some((text, after)) => {
                out.push_str(&text);
                rest = after;
            }
            None => {
                out.push_str("{%");
                rest = inner;
            }
        }
    }
    out.push_str(rest);
    out
}

fn raised(error: &Error) -> Option<String> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = source {
        if let Some(raised) = current.downcast_ref::<Raised>() {
            return Some(raised.0.clone());
        }
        source = current.source();
    }
    None
}

fn explained(error: &Error) -> Failure {
    if let Some(message) = raised(error) {
        return Failure { code: "text.template.raised", text: message };
    }
    let line = error.line().map(|line| format!(" (line {line} of the template)")).unwrap_or_default();
    let detail = error.detail().unwrap_or_default();
    if error.kind() == ErrorKind::UnknownFunction && detail.contains("strftime_now") {
        return Failure {
            code: "text.date",
            text: format!("the chat template prints today's date{line}, and the rendering pins no date"),
        };
    }
    if error.kind() == ErrorKind::OutOfFuel {
        return Failure {
            code: "text.limit",
            text: format!("the chat template needs more than {FUEL} steps"),
        };
    }
    let mut text = format!("{}{line}", error.kind());
    if !detail.is_empty() {
        text = format!("{}: {detail}{line}", error.kind());
    }
    Failure { code: "text.template", text }
}

fn raise_exception(message: Value) -> Result<Value, Error> {
    let text = message.to_string();
    Err(Error::new(ErrorKind::InvalidOperation, text.clone()).with_source(Raised(text)))
}

fn parsed(text: &str, what: &str) -> Outcome<Json> {
    serde_json::from_str(text)
        .map_err(|error| Failure { code: "text.variables", text: format!("{what}: {error}") })
}

fn compiled(source: &str) -> Outcome<Environment<'static>> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_keep_trailing_newline(false);
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_debug(false);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(100);
    environment.set_formatter(python::print);
    environment.set_unknown_method_callback(python::unknown_method);
    environment.add_filter("tojson", python::tojson);
    environment.add_filter("trim", python::trim);
    environment.add_function("raise_exception", raise_exception);
    environment.add_template_owned(NAME, without_generation(source)).map_err(|error| explained(&error))?;
    Ok(environment)
}

fn printed(
    environment: &Environment<'static>,
    values: std::collections::BTreeMap<String, Value>,
) -> Outcome<String> {
    let template = environment.get_template(NAME).map_err(|error| explained(&error))?;
    let mut out = Bounded { bytes: Vec::new(), full: false };
    if let Err(error) = template.render_captured_to(Value::from(values), &mut out) {
        if out.full {
            return fail("text.limit", format!("the chat template prints more than {MAXIMUM_OUTPUT} bytes"));
        }
        return Err(explained(&error));
    }
    String::from_utf8(out.bytes)
        .map_err(|_| Failure { code: "text.internal", text: "the rendered text is not UTF-8".into() })
}

impl ChatTemplate {
    pub fn open(source: &str) -> Outcome<Self> {
        if source.len() > MAXIMUM_TEMPLATE {
            return fail(
                "text.limit",
                format!(
                    "the chat template has {} bytes, at most {MAXIMUM_TEMPLATE} are allowed",
                    source.len()
                ),
            );
        }
        let stopped = AtomicBool::new(false);
        let source = source.to_string();
        let environment = bounded(&stopped, move || compiled(&source))?;
        Ok(Self { environment: Arc::new(environment), stopped })
    }

    /// messages: a JSON array; variables: a JSON object that wins over the special tokens (bos_token ...) in
    /// `defaults`. The variable "date" pins what strftime_now prints.
    pub fn render(&self, messages: &str, defaults: &str, variables: &str, prompt: bool) -> Outcome<String> {
        let mut context: Map<String, Json> = Map::new();
        context.insert("tools".to_string(), Json::Null);
        context.insert("documents".to_string(), Json::Null);
        for (text, what) in [(defaults, "special tokens"), (variables, "template variables")] {
            match parsed(text, what)? {
                Json::Object(members) => context.extend(members),
                _ => return fail("text.variables", format!("{what}: not an object")),
            }
        }
        for name in ["messages", "add_generation_prompt"] {
            if context.contains_key(name) {
                return fail(
                    "text.variables",
                    format!("\"{name}\" is set by the prompt, it cannot be a template variable"),
                );
            }
        }
        let moment = match context.get("date") {
            Some(Json::String(date)) => Some(Moment::parse(date)?),
            Some(other) => {
                return fail(
                    "text.date",
                    format!("the template variable date is {}, not a text", shown(&other.to_string())),
                )
            }
            None => None,
        };
        context.insert("messages".to_string(), parsed(messages, "messages")?);
        context.insert("add_generation_prompt".to_string(), Json::Bool(prompt));
        let mut values: std::collections::BTreeMap<String, Value> =
            context.iter().map(|(name, value)| (name.clone(), Value::from_serialize(value))).collect();
        if let Some(moment) = moment {
            let now = move |form: String| {
                moment.format(&form).map_err(|text| Error::new(ErrorKind::InvalidOperation, text))
            };
            values.insert("strftime_now".to_string(), Value::from_function(now));
        }
        if self.stopped.load(Ordering::Relaxed) {
            return fail("text.limit", "the chat template was over its limits before");
        }
        let environment = self.environment.clone();
        bounded(&self.stopped, move || printed(&environment, values))
    }
}
