//! The calls into Windows that have no safe form in the crates that are used: access lists, data
//! protection, the Event Log, drives. Every function checks what the system answers and frees what
//! it hands out; a failure is an [`io::Error`] with the system's code.

#![expect(
    unsafe_code,
    reason = "the system's interface is C; each call says why it is sound"
)]

use std::ffi::{OsStr, OsString, c_void};
use std::fs::File;
use std::io;
use std::os::windows::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::windows::io::{AsRawHandle as _, BorrowedHandle};
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{CloseHandle, ERROR_SUCCESS, HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, ConvertSidToStringSidW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, ConvertStringSidToSidW,
    GetNamedSecurityInfoW, SDDL_REVISION_1, SE_FILE_OBJECT, SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::Cryptography::{
    CRYPT_INTEGER_BLOB, CRYPTPROTECT_LOCAL_MACHINE, CRYPTPROTECT_UI_FORBIDDEN, CryptProtectData,
    CryptUnprotectData,
};
use windows_sys::Win32::Security::{
    ACL, DACL_SECURITY_INFORMATION, GetSecurityDescriptorDacl, GetTokenInformation,
    LookupAccountSidW, OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, PSID,
    TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_BASIC_INFO, FileBasicInfo, GetDiskFreeSpaceExW, GetDriveTypeW,
    GetFileInformationByHandle, GetFileInformationByHandleEx, GetFinalPathNameByHandleW,
    ReplaceFileW,
};
use windows_sys::Win32::System::Console::{
    ENABLE_VIRTUAL_TERMINAL_PROCESSING, GetConsoleMode, SetConsoleMode,
};
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE,
    RegisterEventSourceW, ReportEventW,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// Longest name of an account or domain, in UTF-16 units; Windows allows 256 for either.
const LONGEST_NAME: usize = 512;
/// `DRIVE_REMOTE` of `GetDriveTypeW`.
const DRIVE_REMOTE: u32 = 4;

/// The owner and access list of a file or folder, in their text form (SDDL).
///
/// # Errors
/// When there is no such file, or when its access list may not be read.
pub(crate) fn descriptor(path: &Path) -> io::Result<String> {
    let wanted = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    let mut descriptor = Local::none();
    let path = wide(path.as_os_str());
    // SAFETY: the name ends with a zero; the descriptor is written to a pointer of ours and freed
    // with it; the other results are not asked for.
    let code = unsafe {
        GetNamedSecurityInfoW(
            path.as_ptr(),
            SE_FILE_OBJECT,
            wanted,
            null_mut(),
            null_mut(),
            null_mut(),
            null_mut(),
            descriptor.slot(),
        )
    };

    win32(code)?;

    let mut text = Local::none();
    // SAFETY: the descriptor is the one above; the text is written to a pointer of ours and freed
    // with it.
    let done = unsafe {
        ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor.pointer(),
            SDDL_REVISION_1,
            wanted,
            text.slot().cast(),
            null_mut(),
        )
    };

    succeeded(done)?;
    Ok(text.to_text())
}

/// Replaces the access list of a file or folder by one in its text form, such as `D:P(A;;FA;;;SY)`.
/// Entries of the folder above no longer count; what lies below inherits anew.
///
/// # Errors
/// When the text cannot be read, or when this account may not change the list.
pub(crate) fn set_access_list(path: &Path, sddl: &str) -> io::Result<()> {
    let mut descriptor = Local::none();
    let sddl = wide(OsStr::new(sddl));
    // SAFETY: the text ends with a zero; the descriptor is written to a pointer of ours and freed
    // with it.
    succeeded(unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            sddl.as_ptr(),
            SDDL_REVISION_1,
            descriptor.slot(),
            null_mut(),
        )
    })?;

    let mut present = 0;
    let mut defaulted = 0;
    let mut list: *mut ACL = null_mut();
    // SAFETY: the descriptor is the one above; the results are variables of ours, and the list lies
    // in the descriptor.
    succeeded(unsafe {
        GetSecurityDescriptorDacl(
            descriptor.pointer(),
            &raw mut present,
            &raw mut list,
            &raw mut defaulted,
        )
    })?;

    // Set without a list, the file would be open to everybody.
    if present == 0 || list.is_null() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it holds no access list",
        ));
    }

    let path = wide(path.as_os_str());
    let kinds = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the name ends with a zero; the list lies in the descriptor, which lives until the
    // end.
    win32(unsafe {
        SetNamedSecurityInfoW(
            path.as_ptr(),
            SE_FILE_OBJECT,
            kinds,
            null_mut(),
            null_mut(),
            list,
            null(),
        )
    })
}

/// The SID of the account that this process runs as.
///
/// # Errors
/// When the system does not say.
pub(crate) fn own_sid() -> io::Result<String> {
    let mut token: HANDLE = null_mut();
    // SAFETY: the handle of the current process needs no closing; the token is written to a
    // variable of ours.
    succeeded(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) })?;

    // 64-bit words, because the structure begins with a pointer.
    let mut buffer = [0_u64; 32];
    let mut length = 0;
    // SAFETY: the buffer is ours, aligned and of the size that is given.
    let asked = succeeded(unsafe {
        GetTokenInformation(
            token,
            TokenUser,
            buffer.as_mut_ptr().cast(),
            u32::try_from(size_of_val(&buffer)).unwrap_or(0),
            &raw mut length,
        )
    });

    // SAFETY: the token was opened above and is used no more.
    unsafe { CloseHandle(token) };
    // Judged only when the token is closed.
    asked?;
    // SAFETY: the call filled the buffer with a TOKEN_USER, whose SID lies in the same buffer.
    let sid = unsafe { (*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid };
    sid_text(sid)
}

/// A SID as text: of a SID that is text already, or of one of SDDL's two-letter names.
///
/// # Errors
/// When the system knows no such account.
pub(crate) fn full_sid(account: &str) -> io::Result<String> {
    let sid = Sid::of(account)?;
    sid_text(sid.0.pointer())
}

/// The name of an account by its SID, such as `BUILTIN\Users`; `None` when the system knows none.
pub(crate) fn account_name(sid: &str) -> Option<String> {
    let sid = Sid::of(sid).ok()?;
    let mut name = [0_u16; LONGEST_NAME];
    let mut domain = [0_u16; LONGEST_NAME];
    let mut name_length = u32::try_from(LONGEST_NAME).ok()?;
    let mut domain_length = name_length;
    let mut kind = 0;
    // SAFETY: the SID is a valid one; the buffers are ours and of the lengths that are given.
    let done = unsafe {
        LookupAccountSidW(
            null(),
            sid.0.pointer(),
            name.as_mut_ptr(),
            &raw mut name_length,
            domain.as_mut_ptr(),
            &raw mut domain_length,
            &raw mut kind,
        )
    };

    succeeded(done).ok()?;

    let name = start_of(&name, name_length);
    let domain = start_of(&domain, domain_length);
    Some(if domain.is_empty() {
        name
    } else {
        format!("{domain}\\{name}")
    })
}

/// The text at the start of a buffer.
fn start_of(buffer: &[u16], length: u32) -> String {
    let length = usize::try_from(length).unwrap_or(0).min(buffer.len());
    String::from_utf16_lossy(&buffer[..length])
}

/// Encrypts for this machine: any account of it that can read the result can decrypt it, and no
/// other machine can.
///
/// # Errors
/// When the system's data protection does not work.
pub(crate) fn protect(data: &[u8], purpose: &[u8]) -> io::Result<Vec<u8>> {
    let data = blob(data)?;
    let purpose = blob(purpose)?;

    // In a service nobody could answer a window.
    let flags = CRYPTPROTECT_LOCAL_MACHINE | CRYPTPROTECT_UI_FORBIDDEN;
    let mut out = CRYPT_INTEGER_BLOB::default();
    // SAFETY: both blobs point to slices that live longer than the call, which only reads them.
    let done = unsafe {
        CryptProtectData(
            &raw const data,
            null(),
            &raw const purpose,
            null(),
            null(),
            flags,
            &raw mut out,
        )
    };

    succeeded(done)?;
    Ok(copy_and_wipe(&out))
}

/// Decrypts what [`protect`] encrypted for the same purpose. The system's copy of the result is
/// wiped.
///
/// # Errors
/// When it was encrypted on another machine or for another purpose, or is damaged.
pub(crate) fn unprotect(data: &[u8], purpose: &[u8]) -> io::Result<Vec<u8>> {
    let data = blob(data)?;
    let purpose = blob(purpose)?;
    let mut out = CRYPT_INTEGER_BLOB::default();
    // SAFETY: both blobs point to slices that live longer than the call, which only reads them.
    let done = unsafe {
        CryptUnprotectData(
            &raw const data,
            null_mut(),
            &raw const purpose,
            null(),
            null(),
            CRYPTPROTECT_UI_FORBIDDEN,
            &raw mut out,
        )
    };

    succeeded(done)?;
    Ok(copy_and_wipe(&out))
}

/// Bytes that are free for this account on the drive of a folder.
///
/// # Errors
/// When there is no such folder.
pub(crate) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let folder = wide(folder.as_os_str());
    let mut free = 0;
    // SAFETY: the name ends with a zero; the result is a variable of ours, the others are not asked
    // for.
    succeeded(unsafe {
        GetDiskFreeSpaceExW(folder.as_ptr(), &raw mut free, null_mut(), null_mut())
    })?;
    Ok(free)
}

/// Has a console take the sequences that colour and link; it takes them until it is closed.
///
/// # Errors
/// When it is no console, or one from before Windows 10.
pub(crate) fn let_console_take_sequences(output: BorrowedHandle<'_>) -> io::Result<()> {
    let output: HANDLE = output.as_raw_handle();
    let mut mode = 0;
    // SAFETY: the handle is borrowed, so it is open; the mode is written to a variable of ours.
    succeeded(unsafe { GetConsoleMode(output, &raw mut mode) })?;

    let mode = mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING;
    // SAFETY: the handle is borrowed, so it is open.
    succeeded(unsafe { SetConsoleMode(output, mode) })
}

/// Whether a drive letter stands for a folder of another machine.
pub(crate) fn is_remote_drive(letter: char) -> bool {
    let root = wide(OsStr::new(&format!("{letter}:\\")));
    // SAFETY: the name ends with a zero and is only read.
    unsafe { GetDriveTypeW(root.as_ptr()) == DRIVE_REMOTE }
}

/// The serial number of its volume, and the number by which that knows an open file or folder.
///
/// # Errors
/// When the file system gives none.
pub(crate) fn file_id(file: &File) -> io::Result<(u32, u64)> {
    let mut information = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is that of an open file; the result is a variable of ours.
    succeeded(unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut information) })?;
    let number = u64::from(information.nFileIndexHigh) << 32 | u64::from(information.nFileIndexLow);
    Ok((information.dwVolumeSerialNumber, number))
}

/// Where an open file or folder lies, through no link and with the names as they are on the disk.
///
/// # Errors
/// When the file system does not tell.
pub(crate) fn final_path(file: &File) -> io::Result<PathBuf> {
    let mut path = vec![0_u16; 512];
    loop {
        let room = u32::try_from(path.len()).map_err(io::Error::other)?;
        // SAFETY: the handle is that of an open file; the text is written to memory of ours of the
        // size that is given. 0 asks for the form with a drive letter.
        let length =
            unsafe { GetFinalPathNameByHandleW(file.as_raw_handle(), path.as_mut_ptr(), room, 0) };

        match usize::try_from(length).map_err(io::Error::other)? {
            0 => return Err(io::Error::last_os_error()),
            // Then it is the room that is needed.
            length if length >= path.len() => path.resize(length + 1, 0),
            length => return Ok(OsString::from_wide(&path[..length]).into()),
        }
    }
}

/// When an open file was changed last, be it its content, its name or its times: in units of 100 ns
/// since 1601, 0 where the file system keeps no such time.
///
/// # Errors
/// When the file system gives none.
pub(crate) fn change_time(file: &File) -> io::Result<i64> {
    let mut information = FILE_BASIC_INFO::default();
    // SAFETY: the handle is that of an open file; the result is a variable of ours of the size that
    // is given.
    succeeded(unsafe {
        GetFileInformationByHandleEx(
            file.as_raw_handle(),
            FileBasicInfo,
            (&raw mut information).cast(),
            size_of::<FILE_BASIC_INFO>() as u32,
        )
    })?;
    Ok(information.ChangeTime)
}

/// Puts a file into the place of another one, whose access list, owner and attributes it gets.
///
/// # Errors
/// When one of them is not there or held by somebody, or when this account may not do it.
pub(crate) fn replace_file(replaced: &Path, by: &Path) -> io::Result<()> {
    let replaced = wide(replaced.as_os_str());
    let by = wide(by.as_os_str());
    // SAFETY: both names end with a zero; no copy of the old file is asked for, and the reserved
    // arguments are null.
    succeeded(unsafe { ReplaceFileW(replaced.as_ptr(), by.as_ptr(), null(), 0, null(), null()) })
}

/// How grave an entry of the Event Log is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Gravity {
    /// For the record.
    Information,
    /// Look at it when convenient.
    Warning,
    /// Look at it now.
    Error,
}

/// Writes one entry to the Event Log `Application`.
///
/// # Errors
/// When the Event Log cannot be written to.
pub(crate) fn report_event(source: &str, gravity: Gravity, id: u32, text: &str) -> io::Result<()> {
    let source = wide(OsStr::new(source));
    let text = wide(OsStr::new(text));
    let kind = match gravity {
        Gravity::Information => EVENTLOG_INFORMATION_TYPE,
        Gravity::Warning => EVENTLOG_WARNING_TYPE,
        Gravity::Error => EVENTLOG_ERROR_TYPE,
    };
    // SAFETY: the name ends with a zero and is only read.
    let log = unsafe { RegisterEventSourceW(null(), source.as_ptr()) };
    if log.is_null() {
        return Err(io::Error::last_os_error());
    }

    let texts = [text.as_ptr()];
    // SAFETY: the handle was opened above; the one text ends with a zero and lives longer than the
    // call.
    let written = succeeded(unsafe {
        ReportEventW(log, kind, 0, id, null_mut(), 1, 0, texts.as_ptr(), null())
    });
    // SAFETY: the handle was opened above and is used no more.
    unsafe { DeregisterEventSource(log) };
    written
}

/// A SID that the system allocated.
struct Sid(Local);

impl Sid {
    fn of(text: &str) -> io::Result<Self> {
        let text = wide(OsStr::new(text));
        let mut sid = Local::none();
        // SAFETY: the text ends with a zero; the SID is written to a pointer of ours and freed with
        // it.
        succeeded(unsafe { ConvertStringSidToSidW(text.as_ptr(), sid.slot()) })?;
        Ok(Self(sid))
    }
}

/// # Errors
/// When the SID cannot be written as text. The SID must be a valid one.
fn sid_text(sid: PSID) -> io::Result<String> {
    let mut text = Local::none();
    // SAFETY: only called with SIDs that the system made; the text is written to a pointer of ours
    // and freed with it.
    succeeded(unsafe { ConvertSidToStringSidW(sid, text.slot().cast()) })?;
    Ok(text.to_text())
}

/// Memory that the system allocated for the caller, freed with this.
struct Local(*mut c_void);

impl Local {
    const fn none() -> Self {
        Self(null_mut())
    }

    /// Where a call puts its result; used once.
    const fn slot(&mut self) -> *mut *mut c_void {
        &raw mut self.0
    }

    const fn pointer(&self) -> *mut c_void {
        self.0
    }

    /// What it holds, where that is a text that ends with a zero.
    fn to_text(&self) -> String {
        let start: *const u16 = self.0.cast();
        let mut length = 0;
        // SAFETY: only called on results of calls that succeeded and give a text with a zero at its
        // end.
        while unsafe { *start.add(length) } != 0 {
            length += 1;
        }
        // SAFETY: so many units were just read.
        String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(start, length) })
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        // SAFETY: the system allocated it with LocalAlloc, as the calls above say; nothing is freed
        // when it is null.
        unsafe { LocalFree(self.0) };
    }
}

/// A text for the system: UTF-16 with a zero at its end.
fn wide(text: &OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}

/// A slice for a call that only reads it.
fn blob(data: &[u8]) -> io::Result<CRYPT_INTEGER_BLOB> {
    let length =
        u32::try_from(data.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    Ok(CRYPT_INTEGER_BLOB {
        cbData: length,
        pbData: data.as_ptr().cast_mut(),
    })
}

/// The bytes of a blob that the system allocated, which is wiped and freed.
fn copy_and_wipe(out: &CRYPT_INTEGER_BLOB) -> Vec<u8> {
    let owner = Local(out.pbData.cast());
    let length = usize::try_from(out.cbData).unwrap_or(0);
    // SAFETY: the call that filled the blob succeeded, so it points to that many bytes, which are
    // ours until they are freed with `owner`.
    let bytes = unsafe { std::slice::from_raw_parts_mut(owner.pointer().cast::<u8>(), length) };
    let copy = bytes.to_vec();

    for byte in bytes {
        // SAFETY: a byte of the slice above; the write may not be optimised away.
        unsafe { std::ptr::write_volatile(byte, 0) };
    }
    copy
}

fn succeeded(answer: i32) -> io::Result<()> {
    if answer == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

fn win32(code: u32) -> io::Result<()> {
    if code == ERROR_SUCCESS {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(code.cast_signed()))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files")]
mod tests {
    use super::*;
    use crate::win32::access_list::{Descriptor, SYSTEM};

    #[test]
    fn what_is_protected_for_one_purpose_is_not_given_out_for_another() {
        let protected = protect(b"secret", b"a token").unwrap();
        assert!(!protected.windows(6).any(|part| part == b"secret"));
        assert_eq!(unprotect(&protected, b"a token").unwrap(), b"secret");
        assert!(unprotect(&protected, b"something else").is_err());
        assert!(unprotect(b"no such thing", b"a token").is_err());
    }

    #[test]
    fn a_file_has_an_owner_and_an_access_list() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let descriptor = Descriptor::parse(&descriptor(&file).unwrap());
        assert!(descriptor.owner.starts_with("S-1-"), "{descriptor:?}");
        assert!(super::descriptor(&folder.path().join("none")).is_err());
        assert!(set_access_list(&file, "no list").is_err());
    }

    #[test]
    fn accounts_have_names_and_numbers() {
        assert!(own_sid().unwrap().starts_with("S-1-5-"));
        assert_eq!(full_sid("SY").unwrap(), SYSTEM);
        assert!(account_name(SYSTEM).is_some_and(|name| name.to_uppercase().contains("SYSTEM")));
        assert!(account_name("S-1-5-21-1-2-3-99999").is_none());
        assert!(full_sid("nobody").is_err());
    }

    #[test]
    fn a_drive_says_how_much_is_free() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(folder.path()).unwrap() > 0);
        assert!(free_bytes(&folder.path().join("none")).is_err());
        assert!(!is_remote_drive('C'));
    }
}
