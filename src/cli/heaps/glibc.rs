//! How many heaps the program has: glibc gives each thread one, up to eight for each processor, and
//! what one thread frees there no other one gets. The memory of a submission that passes from
//! thread to thread was three times what it holds at most: 83 MB at 2,000 results, 46 MB with one
//! heap.

#![expect(unsafe_code, reason = "no crate has a safe form of this call")]

/// Threads that wait for the network or the disk seldom wait for each other here.
const HEAPS: libc::c_int = 1;

/// Has all threads share a heap.
pub(super) fn limit() {
    // SAFETY: it sets a number, and is called before there is another thread. Where it fails the
    // program only takes more memory.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, HEAPS);
    }
}
