//! Fuzzing: what strangers write (webhooks, answers, files, texts), mutated, and what must hold of it whatever it is.
//!
//! Each target begins with seeds (samples, fixtures, and the files of `tests/fuzz/corpus/<target>`, which hold what
//! was found once), and mutates them. Without more ado it tries as many cases as take a second or two, the same ones
//! each time. `tests/fuzz/run SECONDS` gives each target so many seconds and other cases each time; what it finds it
//! makes small and adds to the corpus.

mod answers;
mod config;
mod json;
mod markdown;
mod mutation;
mod payload;
mod signature;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use sha2::{Digest, Sha256};

use self::mutation::Structure;

/// Seconds for each target, where they are not a matter of cases.
const SECONDS: &str = "FUZZ_SECONDS";
/// The longest input.
const MAX_BYTES: usize = 64 * 1024;
/// How much processor time one input may take; without optimisation everything takes ten times as long.
const MAX_CPU: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });

/// Something that reads what strangers write.
struct Target {
    /// The name of its folder in the corpus.
    name: &'static str,
    /// How many cases are tried where no time is given.
    cases: u32,
    /// What is mutated, besides the corpus.
    seeds: Vec<Vec<u8>>,
    /// What is put in.
    words: &'static [&'static str],
    /// What else is known of the inputs' form.
    structure: Structure,
}

impl Target {
    /// Holds a property of the whole corpus, and of mutations for as long as there is time.
    #[expect(clippy::print_stdout, reason = "somebody waits for this")]
    fn fuzz(mut self, property: impl Fn(&[u8])) {
        for (path, bytes) in self.corpus() {
            let holds = catch_unwind(AssertUnwindSafe(|| property(&bytes))).is_ok();
            assert!(holds, "the property does not hold of {}", path.display());
            self.seeds.push(bytes);
        }
        let (name, cases) = (self.name, self.cases);
        let inputs = mutation::inputs(self.seeds, self.words, self.structure);
        let began = Instant::now();
        let mut executions = 0_u64;
        let seconds = seconds();
        loop {
            let rng = match seconds {
                Some(_) => TestRng::from_seed(RngAlgorithm::ChaCha, &rand::random::<[u8; 32]>()),
                None => TestRng::deterministic_rng(RngAlgorithm::ChaCha),
            };
            let config = Config {
                cases: if seconds.is_some() { 64 } else { cases },
                failure_persistence: None,
                max_shrink_iters: 1_000,
                max_shrink_time: 60_000,
                ..Config::default()
            };
            let count = config.cases;
            let outcome = TestRunner::new_with_rng(config, rng).run(&inputs, |bytes| {
                property(&bytes);
                Ok(())
            });
            match outcome {
                Ok(()) => executions += u64::from(count),
                Err(TestError::Fail(reason, bytes)) => {
                    let kept = if seconds.is_some() { keep(name, &bytes) } else { "not kept".to_owned() };
                    panic!("{name}: {reason}\ninput ({kept}): {}", bytes.escape_ascii());
                }
                Err(TestError::Abort(reason)) => panic!("{name}: {reason}"),
            }
            if seconds.is_none_or(|seconds| began.elapsed() >= seconds) {
                break;
            }
        }
        if seconds.is_some() {
            let took = began.elapsed().as_secs();
            println!("{name}: {executions} executions in {took} s");
        }
    }

    /// Returns the files of the corpus, in order.
    fn corpus(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder(self.name))
            .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
            .unwrap_or_default();
        paths.sort();
        paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
    }
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target)
}

/// Adds a finding to the corpus; returns its path.
fn keep(target: &str, bytes: &[u8]) -> String {
    let name = hex::encode(&Sha256::digest(bytes)[..4]);
    let path = folder(target).join(format!("found-{name}"));
    std::fs::create_dir_all(folder(target)).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

fn seconds() -> Option<Duration> {
    let text = std::env::var_os(SECONDS)?;
    let seconds = text.to_str().and_then(|text| text.parse().ok());
    Some(Duration::from_secs(seconds.unwrap_or_else(|| panic!("{SECONDS} is a number of seconds"))))
}

/// Does what must not take longer than an input of 64 KiB may. What other processes take is not counted.
fn in_time<T>(work: impl FnOnce() -> T) -> T {
    let before = cpu();
    let done = work();
    if let Some((before, after)) = before.zip(cpu()) {
        let took = after.saturating_sub(before);
        assert!(took <= MAX_CPU, "it took {took:?}");
    }
    done
}

/// Returns the processor time of this thread, where the system tells it.
fn cpu() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// Returns the texts of `tests/fixtures/corpus`.
fn fixtures() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/corpus");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let files = paths.into_iter().map(|path| std::fs::read_to_string(path).unwrap());
    let texts = files.flat_map(|file| {
        let texts = file.split("%%%% ").filter_map(|part| part.split_once('\n'));
        texts.map(|(_, text)| text.as_bytes().to_vec()).collect::<Vec<_>>()
    });
    texts.collect()
}
