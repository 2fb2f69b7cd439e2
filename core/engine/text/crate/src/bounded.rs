//! Work on a hostile template with a bound on memory and time. The step limit does not bound either: ten lines
//! that join a text with itself make terabytes of it.
//!
//! The work runs on a thread of its own, whose allocations are counted. Over the limit, or after the time, an
//! allocation there never returns: the thread sleeps for ever with what it holds (at most MEMORY), and the
//! caller gets a failure. An allocator can neither unwind nor fail without ending the process, but it may wait.
//! So what the work borrowed must not be used again after a failure with `stopped`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::failure::{Failure, Outcome};

pub const MEMORY: usize = 256 << 20;
const TIME: Duration = Duration::from_secs(120); // the step limit ends sooner, but for filters on long texts
const STACK: usize = 8 << 20;

/// What the thread and its caller share besides the verdict.
struct Watch {
    late: AtomicBool,
    full: Mutex<bool>,
    wake: Condvar,
}

struct Meter {
    used: Cell<usize>,
    watch: Arc<Watch>,
}

thread_local! {
    static METER: Cell<*const Meter> = const { Cell::new(std::ptr::null()) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn charge(bytes: usize) {
    let meter = METER.try_with(Cell::get).unwrap_or(std::ptr::null());
    // SAFETY: set by metered() on this thread for as long as the meter lives.
    let Some(meter) = (unsafe { meter.as_ref() }) else { return };
    let used = meter.used.get().saturating_add(bytes);
    if used <= MEMORY && !meter.watch.late.load(Ordering::Relaxed) {
        meter.used.set(used);
        return;
    }
    METER.with(|own| own.set(std::ptr::null())); // what follows is not counted
    *meter.watch.full.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = true;
    meter.watch.wake.notify_all();
    loop {
        std::thread::park();
    }
}

fn credit(bytes: usize) {
    let meter = METER.try_with(Cell::get).unwrap_or(std::ptr::null());
    // SAFETY: as in charge().
    if let Some(meter) = unsafe { meter.as_ref() } {
        meter.used.set(meter.used.get().saturating_sub(bytes));
    }
}

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        charge(layout.size());
        System.alloc(layout)
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        charge(layout.size());
        System.alloc_zeroed(layout)
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        credit(layout.size());
        System.dealloc(memory, layout)
    }
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // The old block may live until the new one is filled.
        charge(size);
        credit(layout.size());
        System.realloc(memory, layout, size)
    }
}

fn metered<T>(watch: Arc<Watch>, work: impl FnOnce() -> T) -> T {
    struct Off;
    impl Drop for Off {
        fn drop(&mut self) {
            METER.with(|own| own.set(std::ptr::null()));
        }
    }
    let meter = Meter { used: Cell::new(0), watch };
    METER.with(|own| own.set(&meter));
    let _off = Off;
    work()
}

/// The work's outcome. stopped: set if it was over a limit and now sleeps for ever.
pub fn bounded<T: Send + 'static>(
    stopped: &AtomicBool,
    work: impl FnOnce() -> Outcome<T> + Send + 'static,
) -> Outcome<T> {
    let watch =
        Arc::new(Watch { late: AtomicBool::new(false), full: Mutex::new(false), wake: Condvar::new() });
    let verdict: Arc<Mutex<Option<Outcome<T>>>> = Arc::new(Mutex::new(None));
    let (own_watch, own_verdict) = (watch.clone(), verdict.clone());
    let body = move || {
        let metered_watch = own_watch.clone();
        let outcome = crate::caught("text.internal", move || metered(metered_watch, work));
        *own_verdict.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(outcome);
        let _full = own_watch.full.lock();
        own_watch.wake.notify_all();
    };
    let limit = |text: String| {
        stopped.store(true, Ordering::Relaxed);
        Err(Failure { code: "text.limit", text })
    };
    if let Err(error) = std::thread::Builder::new().stack_size(STACK).spawn(body) {
        return Err(Failure {
            code: "text.limit",
            text: format!("no thread for the chat template: {error}"),
        });
    }
    let mut full = watch.full.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let deadline = std::time::Instant::now() + TIME;
    loop {
        if let Some(outcome) = verdict.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take() {
            return outcome;
        }
        if *full {
            return limit(format!("the chat template needs more than {} MiB of memory", MEMORY >> 20));
        }
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        if left.is_zero() {
            watch.late.store(true, Ordering::Relaxed);
            return limit(format!("the chat template needs more than {} s", TIME.as_secs()));
        }
        full = match watch.wake.wait_timeout(full, left) {
            Ok((guard, _)) => guard,
            Err(poisoned) => poisoned.into_inner().0,
        };
    }
}
