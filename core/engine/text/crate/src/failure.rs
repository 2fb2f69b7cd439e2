//! What crosses the C ABI when something is wrong: a stable code and one sentence.

pub struct Failure {
    pub code: &'static str,
    pub text: String,
}

pub type Outcome<T> = Result<T, Failure>;

pub fn fail<T>(code: &'static str, text: impl Into<String>) -> Outcome<T> {
    Err(Failure { code, text: text.into() })
}

/// A tokenizer library error (a boxed std error) becomes a failure of ours.
pub fn foreign(code: &'static str, context: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure { code, text: format!("{context}: {error}") }
}

/// At most 60 characters of a text for a message, control characters escaped.
pub fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        out.push('…');
    }
    out
}
