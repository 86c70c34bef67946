/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the loader comes in, and where the timer does
 *
 * Multiboot hands over in 32-bit mode without paging, with the information in
 * ebx, but with descriptor tables nobody may rely on. So our own come first:
 * an interrupt reloads the code segment from them.
 */
	.set MAGIC, 0x1badb002
	.set FLAGS, 0x2			/* tell us the size of memory */

	.section .multiboot, "a"
	.balign 4
	.long MAGIC, FLAGS, -(MAGIC + FLAGS)

	.text
	.globl start
start:
	cli
	cld
	movl $stack_top, %esp
	lgdt gdt_register
	ljmp $0x08, $1f
1:	movw $0x10, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	pushl %ebx
	call guest_main
2:	hlt				/* guest_main does not return */
	jmp 2b

/* The timer's interrupt: count, and tell the controller that it was seen. */
	.globl on_tick
on_tick:
	pushl %eax
	incl ticks
	movb $0x20, %al
	outb %al, $0x20
	popl %eax
	iret

	.section .rodata
	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9a000000ffff	/* 0x08: code, all 4 GiB */
	.quad 0x00cf92000000ffff	/* 0x10: data, all 4 GiB */
gdt_register:
	.word gdt_register - gdt - 1
	.long gdt

	.bss
	.balign 16
	.skip 4096
stack_top:

	.section .note.GNU-stack, "", @progbits
