//! SentencePiece's byte-pair algorithm on scores, as a model of the tokenizers library: adjacent symbols
//! whose join is a piece are joined in order of score, the leftmost first among equals; what stays outside
//! the vocabulary becomes bytes.
//!
//! The library's own BPE model orders pairs, not pieces: two splits of one piece then get different ranks,
//! which changes ids in runs of one character. Working on scores needs no merge list at all.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::path::{Path, PathBuf};

use ahash::AHashMap;
use tokenizers::models::bpe::BpeTrainer;
use tokenizers::tokenizer::{Model, Result, Token};

use crate::failure::{fail, shown, Outcome};

pub struct SentencePiece {
    ids: AHashMap<String, u32>,
    pieces: Vec<(String, f32)>,
    bytes: Vec<Option<u32>>,
    unknown: Option<u32>,
}

struct Symbol {
    start: usize,
    end: usize,
    previous: usize,
    next: usize,
}

const NONE: usize = usize::MAX;

struct Candidate {
    score: f32,
    left: usize,
    right: usize,
    size: usize,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}
impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Candidate {}

impl SentencePiece {
    /// One score per token; texts are unique. unknown is the id for bytes that have no token of their own.
    pub fn new(tokens: Vec<String>, scores: &[f32], unknown: Option<u32>) -> Outcome<Self> {
        if scores.len() != tokens.len() {
            return fail(
                "text.vocabulary",
                format!(
                    "tokenizer.ggml.scores has {} entries, tokenizer.ggml.tokens has {}",
                    scores.len(),
                    tokens.len()
                ),
            );
        }
        if let Some(at) = scores.iter().position(|score| score.is_nan()) {
            return fail("text.vocabulary", format!("tokenizer.ggml.scores[{at}] is not a number"));
        }
        let mut ids = AHashMap::with_capacity(tokens.len());
        for (id, token) in tokens.iter().enumerate() {
            ids.insert(token.clone(), id as u32);
        }
        let bytes: Vec<Option<u32>> =
            (0u32..256).map(|byte| ids.get(&format!("<0x{byte:02X}>")).copied()).collect();
        if unknown.is_none() {
            if let Some(byte) = bytes.iter().position(Option::is_none) {
                return fail(
                    "text.vocabulary",
                    format!(
                        "the vocabulary has neither a token {} nor an unknown token",
                        shown(&format!("<0x{byte:02X}>"))
                    ),
                );
            }
        }
        // -0 and +0 are one score.
        let pieces = tokens.into_iter().zip(scores.iter().map(|score| score + 0.0)).collect();
        Ok(Self { ids, pieces, bytes, unknown })
    }

    fn join(
        &self,
        text: &str,
        symbols: &[Symbol],
        left: usize,
        right: usize,
        queue: &mut BinaryHeap<Candidate>,
    ) {
        if left == NONE || right == NONE {
            return;
        }
        let joined = &text[symbols[left].start..symbols[right].end];
        if let Some(id) = self.ids.get(joined) {
            queue.push(Candidate { score: self.pieces[*id as usize].1, left, right, size: joined.len() });
        }
    }

    fn symbols(&self, text: &str) -> Vec<Symbol> {
        let mut symbols: Vec<Symbol> = Vec::with_capacity(text.len());
        for (start, character) in text.char_indices() {
            let at = symbols.len();
            symbols.push(Symbol {
                start,
                end: start + character.len_utf8(),
                previous: if at == 0 { NONE } else { at - 1 },
                next: at + 1,
            });
        }
        if let Some(last) = symbols.last_mut() {
            last.next = NONE;
        }
        let mut queue = BinaryHeap::new();
        for right in 1..symbols.len() {
            self.join(text, &symbols, right - 1, right, &mut queue);
        }
        while let Some(candidate) = queue.pop() {
            let (left, right) = (candidate.left, candidate.right);
            let sizes = (symbols[left].end - symbols[left].start, symbols[right].end - symbols[right].start);
            if sizes.0 == 0 || sizes.1 == 0 || sizes.0 + sizes.1 != candidate.size {
                continue; // one of the two has been joined to another symbol since
            }
            symbols[left].end = symbols[right].end;
            symbols[right].start = symbols[right].end;
            let next = symbols[right].next;
            symbols[left].next = next;
            if next != NONE {
                symbols[next].previous = left;
            }
            self.join(text, &symbols, symbols[left].previous, left, &mut queue);
            self.join(text, &symbols, left, next, &mut queue);
        }
        symbols.retain(|symbol| symbol.end > symbol.start);
        symbols
    }
}

impl Model for SentencePiece {
    type Trainer = BpeTrainer;

    fn tokenize(&self, text: &str) -> Result<Vec<Token>> {
        let mut tokens = Vec::new();
        for symbol in self.symbols(text) {
            let piece = &text[symbol.start..symbol.end];
            let span = (symbol.start, symbol.end);
            if let Some(id) = self.ids.get(piece) {
                tokens.push(Token::new(*id, piece.to_string(), span));
                continue;
            }
            for byte in piece.bytes() {
                match self.bytes[usize::from(byte)].or(self.unknown) {
                    Some(id) => tokens.push(Token::new(id, self.pieces[id as usize].0.clone(), span)),
                    None => return Err(format!("no token for byte {byte:02X}").into()),
                }
            }
        }
        Ok(tokens)
    }

    fn token_to_id(&self, token: &str) -> Option<u32> {
        self.ids.get(token).copied()
    }

    fn id_to_token(&self, id: u32) -> Option<String> {
        self.pieces.get(id as usize).map(|piece| piece.0.clone())
    }

    fn get_vocab(&self) -> HashMap<String, u32> {
        self.ids.iter().map(|(token, id)| (token.clone(), *id)).collect()
    }

    fn get_vocab_size(&self) -> usize {
        self.pieces.len()
    }

    fn save(&self, _folder: &Path, _prefix: Option<&str>) -> Result<Vec<PathBuf>> {
        Err("a vocabulary read from GGUF is not written".into())
    }

    fn get_trainer(&self) -> BpeTrainer {
        BpeTrainer::default()
    }
}
