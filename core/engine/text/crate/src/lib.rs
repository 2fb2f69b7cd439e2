//! C ABI of tokenizers and chat templates; text_abi.h beside the crate declares it. No panic and no Rust type
//! crosses: every body runs in catch_unwind and reports a code and a sentence. Handles may be used from
//! several threads at once.

mod bounded;
mod dates;
mod failure;
mod pretokenizers;
mod python;
mod sentencepiece;
mod template;
mod tokenizer;

use std::cell::RefCell;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::slice;
use std::sync::Once;

use failure::{fail, Failure, Outcome};
use template::ChatTemplate;
use tokenizer::{Tokenizer, Vocabulary};

/// Bytes owned by the caller, UTF-8 unless said otherwise; data may be null when size is 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct AzimuthView {
    data: *const u8,
    size: usize,
}

/// Bytes owned by this library until azimuth_text_free.
#[repr(C)]
pub struct AzimuthText {
    data: *mut u8,
    size: usize,
}

#[repr(C)]
pub struct AzimuthFailure {
    code: AzimuthText,
    text: AzimuthText,
}

#[repr(C)]
pub struct AzimuthVocabulary {
    kind: AzimuthView,
    pre: AzimuthView,
    json: AzimuthView,
    tokens: *const AzimuthView,
    token_count: usize,
    scores: *const f32,
    score_count: usize,
    types: *const i32,
    type_count: usize,
    merges: *const AzimuthView,
    merge_count: usize,
    unknown: i64,
    rows: u64,
    space_prefix: bool,
}

#[repr(C)]
pub struct AzimuthEncoding {
    ids: *mut u32,
    starts: *mut u64,
    ends: *mut u64,
    count: usize,
}

fn owned(text: &str) -> AzimuthText {
    let bytes: Box<[u8]> = text.as_bytes().into();
    let size = bytes.len();
    AzimuthText { data: Box::into_raw(bytes).cast(), size }
}

unsafe fn items<'a, T>(data: *const T, count: usize) -> &'a [T] {
    if count == 0 {
        &[]
    } else {
        slice::from_raw_parts(data, count)
    }
}

unsafe fn text<'a>(view: AzimuthView, what: &dyn Fn() -> String) -> Outcome<&'a str> {
    let bytes = items(view.data, view.size);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => fail("text.utf8", format!("{}: byte {} is not UTF-8", what(), error.valid_up_to())),
    }
}

unsafe fn texts<'a>(data: *const AzimuthView, count: usize, what: &str) -> Outcome<Vec<&'a str>> {
    items(data, count).iter().enumerate().map(|(at, view)| text(*view, &|| format!("{what}[{at}]"))).collect()
}

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A panic is a failure of ours, so its words go there and not to the terminal.
fn keep_panic_words() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| PANIC.with(|words| *words.borrow_mut() = info.to_string())));
    });
}

/// A panic of the body fails with panic_code.
fn caught<T>(panic_code: &'static str, body: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    keep_panic_words();
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(outcome) => outcome,
        Err(_) => fail(panic_code, format!("the text library failed: {}", PANIC.with(|words| words.take()))),
    }
}

/// Runs a body; true and nothing written to failure on success.
unsafe fn guarded_as(
    panic_code: &'static str,
    failure: *mut AzimuthFailure,
    body: impl FnOnce() -> Outcome<()>,
) -> bool {
    match caught(panic_code, body) {
        Ok(()) => true,
        Err(Failure { code, text }) => {
            *failure = AzimuthFailure { code: owned(code), text: owned(&text) };
            false
        }
    }
}

unsafe fn guarded(failure: *mut AzimuthFailure, body: impl FnOnce() -> Outcome<()>) -> bool {
    guarded_as("text.internal", failure, body)
}

/// # Safety
/// Every pointer is valid for its count; out and failure are writable.
#[no_mangle]
pub unsafe extern "C" fn azimuth_tokenizer_open(
    source: *const AzimuthVocabulary,
    out: *mut *mut Tokenizer,
    failure: *mut AzimuthFailure,
) -> bool {
    // The library unwraps where it reads a damaged tokenizer.json.
    let panic_code = if (*source).json.size > 0 { "text.json" } else { "text.internal" };
    guarded_as(panic_code, failure, || {
        let source = &*source;
        let tokens = texts(source.tokens, source.token_count, "tokenizer.ggml.tokens")?;
        let json = text(source.json, &|| "tokenizer.json".to_string())?;
        let mut tokenizer = if json.is_empty() {
            Tokenizer::from_vocabulary(&Vocabulary {
                kind: text(source.kind, &|| "tokenizer.ggml.model".to_string())?,
                pre: text(source.pre, &|| "tokenizer.ggml.pre".to_string())?,
                tokens,
                scores: items(source.scores, source.score_count),
                types: items(source.types, source.type_count),
                merges: texts(source.merges, source.merge_count, "tokenizer.ggml.merges")?,
                unknown: u32::try_from(source.unknown).ok(),
                space_prefix: source.space_prefix,
            })?
        } else {
            Tokenizer::from_json(json, &tokens)?
        };
        tokenizer.limit(usize::try_from(source.rows).unwrap_or(usize::MAX))?;
        *out = Box::into_raw(Box::new(tokenizer));
        Ok(())
    })
}

/// # Safety
/// tokenizer comes from azimuth_tokenizer_open and is not used again.
#[no_mangle]
pub unsafe extern "C" fn azimuth_tokenizer_close(tokenizer: *mut Tokenizer) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(tokenizer))));
}

/// # Safety
/// tokenizer is open.
#[no_mangle]
pub unsafe extern "C" fn azimuth_tokenizer_size(tokenizer: *const Tokenizer) -> usize {
    (*tokenizer).size()
}

/// # Safety
/// tokenizer is open.
#[no_mangle]
pub unsafe extern "C" fn azimuth_tokenizer_adds_bos(tokenizer: *const Tokenizer) -> bool {
    (*tokenizer).adds_bos()
}

fn handed_over<T>(values: Vec<T>) -> *mut T {
    Box::into_raw(values.into_boxed_slice()).cast()
}

/// # Safety
/// tokenizer is open; input is valid; out and failure are writable.
#[no_mangle]
pub unsafe extern "C" fn azimuth_tokenizer_encode(
    tokenizer: *const Tokenizer,
    input: AzimuthView,
    with_ends: bool,
    out: *mut AzimuthEncoding,
    failure: *mut AzimuthFailure,
) -> bool {
    guarded_as((*tokenizer).panic_code, failure, || {
        let encoded = (*tokenizer).encode(text(input, &|| "the text".to_string())?, with_ends)?;
        *out = AzimuthEncoding {
            count: encoded.ids.len(),
            ids: handed_over(encoded.ids),
            starts: handed_over(encoded.starts),
            ends: handed_over(encoded.ends),
        };
        Ok(())
    })
}

unsafe fn returned<T>(data: *mut T, count: usize) {
    if !data.is_null() {
        drop(Box::from_raw(slice::from_raw_parts_mut(data, count) as *mut [T]));
    }
}

/// # Safety
/// encoding comes from azimuth_tokenizer_encode and is not used again.
#[no_mangle]
pub unsafe extern "C" fn azimuth_encoding_free(encoding: AzimuthEncoding) {
    returned(encoding.ids, encoding.count);
    returned(encoding.starts, encoding.count);
    returned(encoding.ends, encoding.count);
}

/// # Safety
/// tokenizer is open; ids is valid for count; out and failure are writable.
#[no_mangle]
pub unsafe extern "C" fn azimuth_tokenizer_decode(
    tokenizer: *const Tokenizer,
    ids: *const u32,
    count: usize,
    skip_special: bool,
    out: *mut AzimuthText,
    failure: *mut AzimuthFailure,
) -> bool {
    guarded_as((*tokenizer).panic_code, failure, || {
        *out = owned(&(*tokenizer).decode(items(ids, count), skip_special)?);
        Ok(())
    })
}

/// # Safety
/// tokenizer is open; out and failure are writable.
#[no_mangle]
pub unsafe extern "C" fn azimuth_tokenizer_token(
    tokenizer: *const Tokenizer,
    id: u32,
    out: *mut AzimuthText,
    failure: *mut AzimuthFailure,
) -> bool {
    guarded(failure, || {
        *out = owned(&(*tokenizer).token_text(id)?);
        Ok(())
    })
}

/// The id of a token's text, -1 if there is none.
///
/// # Safety
/// tokenizer is open; token is valid; out and failure are writable.
#[no_mangle]
pub unsafe extern "C" fn azimuth_tokenizer_find(
    tokenizer: *const Tokenizer,
    token: AzimuthView,
    out: *mut i64,
    failure: *mut AzimuthFailure,
) -> bool {
    guarded(failure, || {
        *out = (*tokenizer).token_id(text(token, &|| "the token".to_string())?).map_or(-1, i64::from);
        Ok(())
    })
}

/// # Safety
/// source is valid; out and failure are writable.
#[no_mangle]
pub unsafe extern "C" fn azimuth_template_open(
    source: AzimuthView,
    out: *mut *mut ChatTemplate,
    failure: *mut AzimuthFailure,
) -> bool {
    guarded(failure, || {
        let template = ChatTemplate::open(text(source, &|| "the chat template".to_string())?)?;
        *out = Box::into_raw(Box::new(template));
        Ok(())
    })
}

/// # Safety
/// template comes from azimuth_template_open and is not used again.
#[no_mangle]
pub unsafe extern "C" fn azimuth_template_close(template: *mut ChatTemplate) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(template))));
}

/// # Safety
/// template is open; the views are valid; out and failure are writable.
#[no_mangle]
pub unsafe extern "C" fn azimuth_template_render(
    template: *const ChatTemplate,
    messages: AzimuthView,
    defaults: AzimuthView,
    variables: AzimuthView,
    generation_prompt: bool,
    out: *mut AzimuthText,
    failure: *mut AzimuthFailure,
) -> bool {
    guarded(failure, || {
        let rendered = (*template).render(
            text(messages, &|| "the messages".to_string())?,
            text(defaults, &|| "the special tokens".to_string())?,
            text(variables, &|| "the template variables".to_string())?,
            generation_prompt,
        )?;
        *out = owned(&rendered);
        Ok(())
    })
}

/// # Safety
/// text comes from this library and is not used again.
#[no_mangle]
pub unsafe extern "C" fn azimuth_text_free(text: AzimuthText) {
    returned(text.data, text.size);
}
