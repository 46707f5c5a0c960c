//! How many heaps the program has: glibc gives each thread one, up to eight for each processor, and
//! what one thread frees there no other one gets. The memory of a submission that passes from
//! thread to thread was three times what it holds at most: 83 MB at 2,000 results, 46 MB with two
//! heaps.

#![expect(unsafe_code, reason = "no crate has a safe form of this call")]

/// Enough that the threads of two processors seldom wait for each other.
const HEAPS: libc::c_int = 2;

/// Has all threads share a few heaps.
pub(super) fn limit() {
    // SAFETY: it sets a number, and is called before there is another thread. Where it fails the
    // program only takes more memory.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, HEAPS);
    }
}
