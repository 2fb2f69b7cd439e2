//! One tokenizer, built from the metadata of a GGUF file or from a tokenizer.json text.

use std::collections::HashSet;

use ahash::AHashMap;
use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::byte_level::ByteLevel;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as DecoderSequence;
use tokenizers::decoders::strip::Strip;
use tokenizers::models::bpe::BPE;
use tokenizers::normalizers::prepend::Prepend;
use tokenizers::normalizers::replace::Replace;
use tokenizers::normalizers::utils::Sequence as NormalizerSequence;
use tokenizers::{
    AddedToken, DecoderWrapper, Encoding, Model, ModelWrapper, NormalizerWrapper, PostProcessorWrapper,
    PreTokenizerWrapper, TokenizerImpl,
};

use crate::failure::{fail, foreign, shown, Outcome};
use crate::pretokenizers::family;
use crate::sentencepiece::SentencePiece;

type Assembled<M> =
    TokenizerImpl<M, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>;

/// tokenizer.ggml.token_type.
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;

/// The metadata of a GGUF file. types may be empty (all normal); scores belong to kind "llama", merges to
/// "gpt2".
pub struct Vocabulary<'a> {
    pub kind: &'a str,
    pub pre: &'a str,
    pub tokens: Vec<&'a str>,
    pub scores: &'a [f32],
    pub types: &'a [i32],
    pub merges: Vec<&'a str>,
    pub unknown: Option<u32>,
    pub space_prefix: bool,
}

enum Engine {
    Library(Box<Assembled<ModelWrapper>>),
    SentencePiece(Box<Assembled<SentencePiece>>),
}

pub struct Tokenizer {
    engine: Engine,
    size: usize,
    adds_bos: bool,
    /// The code of a panic of the library: for a tokenizer.json it is the file's doing.
    pub panic_code: &'static str,
}

/// Ids with the bytes of the encoded text that each stands for, [start, end).
pub struct Encoded {
    pub ids: Vec<u32>,
    pub starts: Vec<u64>,
    pub ends: Vec<u64>,
}

fn unique_texts(vocabulary: &Vocabulary) -> Outcome<Vec<String>> {
    let mut seen: AHashMap<&str, usize> = AHashMap::with_capacity(vocabulary.tokens.len());
    let mut texts = Vec::with_capacity(vocabulary.tokens.len());
    for (id, token) in vocabulary.tokens.iter().enumerate() {
        if token.is_empty() {
            texts.push(format!("[EMPTY_{id}]"));
            continue;
        }
        if let Some(other) = seen.insert(token, id) {
            return fail("text.vocabulary", format!("tokens {other} and {id} are both \"{}\"", shown(token)));
        }
        texts.push((*token).to_string());
    }
    Ok(texts)
}

/// Control and unknown tokens are special; user-defined ones are only found whole. Neither is normalised.
fn added_tokens(texts: &[String], types: &[i32]) -> Vec<AddedToken> {
    let mut added = Vec::new();
    for (text, kind) in texts.iter().zip(types) {
        match *kind {
            CONTROL | UNKNOWN => added.push(AddedToken::from(text.as_str(), true).normalized(false)),
            USER_DEFINED => added.push(AddedToken::from(text.as_str(), false).normalized(false)),
            _ => {}
        }
    }
    added
}

fn merge_pairs(vocabulary: &Vocabulary, ids: &AHashMap<String, u32>) -> Outcome<Vec<(String, String)>> {
    let mut pairs = Vec::with_capacity(vocabulary.merges.len());
    let mut joined = String::new();
    for (at, merge) in vocabulary.merges.iter().enumerate() {
        // The first character may itself be a blank.
        let blank = merge.char_indices().skip(1).find(|(_, character)| *character == ' ');
        let Some((blank, _)) = blank else {
            return fail("text.vocabulary", format!("merge {at} \"{}\" is not two pieces", shown(merge)));
        };
        let (left, right) = (&merge[..blank], &merge[blank + 1..]);
        joined.clear();
        joined.push_str(left);
        joined.push_str(right);
        for piece in [left, right, joined.as_str()] {
            if !ids.contains_key(piece) {
                return fail(
                    "text.vocabulary",
                    format!(
                        "merge {at} \"{}\" needs the token \"{}\", which is not there",
                        shown(merge),
                        shown(piece)
                    ),
                );
            }
        }
        pairs.push((left.to_string(), right.to_string()));
    }
    Ok(pairs)
}

fn byte_pair(vocabulary: &Vocabulary, texts: &[String]) -> Outcome<Assembled<ModelWrapper>> {
    let cutting = family(vocabulary.pre)?;
    let ids: AHashMap<String, u32> =
        texts.iter().enumerate().map(|(id, text)| (text.clone(), id as u32)).collect();
    let merges = merge_pairs(vocabulary, &ids)?;
    if merges.is_empty() {
        return fail(
            "text.vocabulary",
            "tokenizer.ggml.merges is empty or missing, which the kind \"gpt2\" needs",
        );
    }
    let mut builder = BPE::builder().vocab_and_merges(ids, merges).ignore_merges(cutting.ignore_merges);
    // A byte that is in no token (SmolLM2 lacks some control characters) is not dropped, as in transformers.
    if let Some(unknown) = vocabulary.unknown.and_then(|id| texts.get(id as usize)) {
        builder = builder.unk_token(unknown.clone()).fuse_unk(true);
    }
    let model = builder.build().map_err(|error| foreign("text.vocabulary", "byte-pair model", &error))?;
    let mut tokenizer = Assembled::<ModelWrapper>::new(model.into());
    tokenizer
        .with_normalizer(cutting.normalizer())
        .map_err(|error| foreign("text.internal", "normalizer", &error))?;
    tokenizer.with_pre_tokenizer(Some(cutting.pre_tokenizer()?));
    tokenizer.with_decoder(Some(ByteLevel::default()));
    Ok(tokenizer)
}

fn sentence_piece(vocabulary: &Vocabulary, texts: &[String]) -> Outcome<Assembled<SentencePiece>> {
    let model = SentencePiece::new(texts.to_vec(), vocabulary.scores, vocabulary.unknown)?;
    let mut tokenizer = Assembled::<SentencePiece>::new(model);
    let internal = |error: tokenizers::Error| foreign("text.internal", "normalizer", &error);
    let mut normalizers: Vec<NormalizerWrapper> = Vec::new();
    let mut decoders: Vec<DecoderWrapper> = vec![
        Replace::new("▁", " ").map_err(internal)?.into(),
        ByteFallback::new().into(),
        Fuse::new().into(),
    ];
    if vocabulary.space_prefix {
        normalizers.push(Prepend::new("▁".to_string()).into());
        decoders.push(Strip::new(' ', 1, 0).into());
    }
    normalizers.push(Replace::new(" ", "▁").map_err(internal)?.into());
    tokenizer.with_normalizer(Some(NormalizerSequence::new(normalizers))).map_err(internal)?;
    tokenizer.with_decoder(Some(DecoderSequence::new(decoders)));
    Ok(tokenizer)
}

fn encode_with<M>(tokenizer: &Assembled<M>, text: &str, with_ends: bool) -> tokenizers::Result<Encoding>
where
    M: Model + Send + Sync,
{
    tokenizer.encode(text, with_ends)
}

impl Tokenizer {
    pub fn from_vocabulary(vocabulary: &Vocabulary) -> Outcome<Self> {
        let size = vocabulary.tokens.len();
        if !vocabulary.types.is_empty() && vocabulary.types.len() != size {
            return fail(
                "text.vocabulary",
                format!(
                    "tokenizer.ggml.token_type has {} entries, tokenizer.ggml.tokens has {size}",
                    vocabulary.types.len()
                ),
            );
        }
        let texts = unique_texts(vocabulary)?;
        let added = added_tokens(&texts, vocabulary.types);
        let internal = |error: tokenizers::Error| foreign("text.vocabulary", "special tokens", &error);
        let mut adds_bos = true;
        let engine = match vocabulary.kind {
            "gpt2" => {
                adds_bos = family(vocabulary.pre)?.adds_bos;
                let mut tokenizer = byte_pair(vocabulary, &texts)?;
                tokenizer.add_tokens(added).map_err(internal)?;
                Engine::Library(Box::new(tokenizer))
            }
            "llama" => {
                let mut tokenizer = sentence_piece(vocabulary, &texts)?;
                tokenizer.add_tokens(added).map_err(internal)?;
                Engine::SentencePiece(Box::new(tokenizer))
            }
            other => {
                return fail(
                    "text.kind",
                    format!("tokenizer.ggml.model is \"{}\"; known are \"gpt2\" and \"llama\"", shown(other)),
                )
            }
        };
        Ok(Self { engine, size, adds_bos, panic_code: "text.internal" })
    }

    /// tokens: the vocabulary that the model's own metadata states, by id; empty if it states none.
    pub fn from_json(json: &str, tokens: &[&str]) -> Outcome<Self> {
        let mut tokenizer: tokenizers::Tokenizer = json
            .parse()
            .map_err(|error: tokenizers::Error| foreign("text.json", "tokenizer.json", &error))?;
        // Saved with some files; both would change ids silently.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| foreign("text.json", "tokenizer.json", &error))?;
        for (id, token) in tokens.iter().enumerate() {
            let own = tokenizer.id_to_token(id as u32);
            if own.as_deref().is_some_and(|own| own != *token) {
                return fail(
                    "text.json",
                    format!(
                        "token {id} is \"{}\" in tokenizer.json and \"{}\" in the model's metadata",
                        shown(own.as_deref().unwrap_or_default()),
                        shown(token)
                    ),
                );
            }
        }
        let highest = tokenizer.get_vocab(true).values().max().map_or(0, |id| *id as usize + 1);
        let engine = Engine::Library(Box::new(tokenizer.into_inner()));
        let tokenizer =
            Self { engine, size: highest.max(tokens.len()), adds_bos: false, panic_code: "text.json" };
        // A post-processor may name a token that it does not list, which the library finds out, by a panic, when it
        // encodes. So it is found out now; whether this text can be encoded is another matter.
        let _ = tokenizer.encode("a", true);
        Ok(tokenizer)
    }

    /// ids are 0 .. size() - 1.
    pub fn size(&self) -> usize {
        self.size
    }

    /// rows: how many ids the model has, more than tokens (padding) or less (added tokens behind its
    /// embedding); 0 if it does not say.
    pub fn limit(&mut self, rows: usize) -> Outcome<()> {
        if rows > u32::MAX as usize {
            return fail("text.vocabulary", format!("the model has {rows} rows, too many for ids"));
        }
        if rows > 0 {
            self.size = rows;
        }
        Ok(())
    }

    /// Whether a BOS is added where a GGUF file does not say.
    pub fn adds_bos(&self) -> bool {
        self.adds_bos
    }

    /// with_ends: with the tokens that a tokenizer.json adds at the ends; GGUF metadata adds none here.
    pub fn encode(&self, text: &str, with_ends: bool) -> Outcome<Encoded> {
        let encoding = match &self.engine {
            Engine::Library(tokenizer) => encode_with(tokenizer, text, with_ends),
            Engine::SentencePiece(tokenizer) => encode_with(tokenizer, text, with_ends),
        }
        .map_err(|error| foreign("text.encode", "the text could not be cut into tokens", &error))?;
        if let Some(at) = encoding.get_ids().iter().position(|id| *id as usize >= self.size) {
            return fail(
                "text.id",
                format!(
                    "the text holds the token \"{}\" with the id {}, the model has {} rows",
                    shown(&encoding.get_tokens()[at]),
                    encoding.get_ids()[at],
                    self.size
                ),
            );
        }
        Ok(Encoded {
            ids: encoding.get_ids().to_vec(),
            starts: encoding.get_offsets().iter().map(|span| span.0 as u64).collect(),
            ends: encoding.get_offsets().iter().map(|span| span.1 as u64).collect(),
        })
    }

    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Outcome<String> {
        let known: HashSet<u32> = ids.iter().copied().collect();
        if let Some(id) = known.iter().find(|id| **id as usize >= self.size) {
            return fail("text.id", format!("token id {id} is outside the vocabulary of {}", self.size));
        }
        match &self.engine {
            Engine::Library(tokenizer) => tokenizer.decode(ids, skip_special),
            Engine::SentencePiece(tokenizer) => tokenizer.decode(ids, skip_special),
        }
        .map_err(|error| foreign("text.decode", "the tokens could not be put together", &error))
    }

    pub fn token_text(&self, id: u32) -> Outcome<String> {
        if id as usize >= self.size {
            return fail("text.id", format!("token id {id} is outside the vocabulary of {}", self.size));
        }
        let text = match &self.engine {
            Engine::Library(tokenizer) => tokenizer.id_to_token(id),
            Engine::SentencePiece(tokenizer) => tokenizer.id_to_token(id),
        };
        Ok(text.unwrap_or_default())
    }

    pub fn token_id(&self, text: &str) -> Option<u32> {
        match &self.engine {
            Engine::Library(tokenizer) => tokenizer.token_to_id(text),
            Engine::SentencePiece(tokenizer) => tokenizer.token_to_id(text),
        }
    }
}
