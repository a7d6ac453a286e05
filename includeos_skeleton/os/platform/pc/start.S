// Entry by PVH: 32-bit protected mode, paging off, %ebx = physical address of the start info.
//
//   QEMU -kernel ──note──▶ pvh_start ──▶ page tables, SSE, long mode ──▶ pc_start(start info), 64 bits
//
// Spec    Xen x86 HVM direct boot ABI; Intel SDM volume 3, 10.8.5 (entering long mode), 14.1.4 (SSE).
// Not     other processors than the first, other entries (multiboot, Linux).

        .section .note.pvh, "a", @note
        .balign 4
        .long   4, 8, 18                // name and value sizes in octets; XEN_ELFNOTE_PHYS32_ENTRY
        .asciz  "Xen"
        .quad   pvh_start               // QEMU reads 8 octets of an ELF64's note

        .section .text.start, "ax"
        .code32
        .globl  pvh_start
pvh_start:
        cli
        cld
        movl    $bss_begin, %edi
        movl    $bss_end, %ecx
        subl    %edi, %ecx
        shrl    $2, %ecx
        xorl    %eax, %eax
        rep stosl
        movl    $stack_top, %esp

        movl    $page_directories, %edi // 2048 pages of 2 MiB: the first 4 GiB, present, writable
        movl    $0x83, %eax
1:      movl    %eax, (%edi)
        addl    $8, %edi
        addl    $0x200000, %eax
        jnc     1b
        movl    $page_pointers, %edi
        movl    $page_directories + 3, %eax
        movl    $4, %ecx
2:      movl    %eax, (%edi)
        addl    $8, %edi
        addl    $0x1000, %eax
        loop    2b
        movl    $page_pointers + 3, page_root

        movl    $0x620, %eax            // CR4: PAE, OSFXSR, OSXMMEXCPT
        movl    %eax, %cr4
        movl    $page_root, %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx       // EFER: LME, NXE
        rdmsr
        orl     $0x900, %eax
        wrmsr
        movl    $0x80010033, %eax       // CR0: PG, WP, NE, ET, MP, PE
        movl    %eax, %cr0
        lgdt    descriptor_table_pointer
        ljmp    $8, $long_start

        .code64
long_start:
        movl    $16, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        xorl    %eax, %eax
        movl    %eax, %fs
        movl    %eax, %gs
        movl    $stack_top, %esp
        movl    %ebx, %edi
        call    pc_start
        ud2

// An interrupt only ends a HLT: what it was about is found by polling. %rax is all it uses.
        .globl  wake_interrupt
wake_interrupt:
        pushq   %rax
        movl    $0xfee000b0, %eax       // local APIC: end of interrupt
        movl    $0, (%rax)
        popq    %rax
        .globl  spurious_interrupt
spurious_interrupt:
        iretq

// Exceptions: one entry of 16 octets a vector; each leaves the vector below an error code (the processor's or 0).
        .balign 16
        .globl  exception_entries
exception_entries:
        vector = 0
        .rept   32
        .balign 16
        .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
        pushq   $0
        .endif
        pushq   $vector
        jmp     exception
        vector = vector + 1
        .endr
exception:
        pushq   %rax
        pushq   %rbx
        pushq   %rcx
        pushq   %rdx
        pushq   %rsi
        pushq   %rdi
        pushq   %rbp
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, %rdi
        andq    $-16, %rsp
        cld
        call    pc_exception
        ud2

        .section .data.descriptors, "aw"
        .balign 16
        .globl  descriptor_table
descriptor_table:
        .quad   0
        .quad   0x00af9b000000ffff      // 8: code, 64 bits
        .quad   0x00cf93000000ffff      // 16: data
        .quad   0, 0                    // 24: task state, filled in by pc_start
descriptor_table_pointer:
        .word   39
        .quad   descriptor_table

        .section .bss.page_tables, "aw", @nobits
        .balign 4096
        .globl  page_root, page_directories
page_root:              .skip 4096
page_pointers:          .skip 4096
page_directories:       .skip 4 * 4096

        .section .bss.stack, "aw", @nobits
        .balign 4096
        .globl  stack_guard, stack_top
stack_guard:            .skip 4096      // made inaccessible: an overflow is an exception
                        .skip 128 * 1024
stack_top:

        .section .note.GNU-stack, "", @progbits
