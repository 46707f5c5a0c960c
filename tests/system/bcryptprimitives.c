/* A test aid, never shipped: Wine before 9 has no bcryptprimitives.dll, from which Rust's standard library takes
 * ProcessPrng. The same random bytes come from RtlGenRandom, which advapi32 exports as SystemFunction036. */

#include <stddef.h>
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    while (length > 0) {
        ULONG piece = length > 0x40000000 ? 0x40000000 : (ULONG)length;
        if (!SystemFunction036(buffer, piece))
            return FALSE;
        buffer += piece;
        length -= piece;
    }
    return TRUE;
}
