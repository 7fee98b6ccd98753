/*
 * Test code written in assembly (Intel syntax) inside a test file. CODE(name, "text") puts the
 * bytes into read-only data; they are copied to the window to run, so they must be position
 * independent: r15        conventionally the address of the exit page ("jmp r15" ends a test)
 *   here_NAME + n is window offset n, for rip-relative operands
 *   POINTER(NAME, l) is the 64-bit window address of label l
 */
#ifndef TESTS_ISA_SUPPORT_CODE_H
#define TESTS_ISA_SUPPORT_CODE_H

#include <stdint.h>

#define CODE(name, text)                                                                           \
    extern const uint8_t code_##name[], code_##name##_end[];                                       \
    __asm__(".pushsection .rodata\n.intel_syntax noprefix\n"                                       \
            ".globl code_" #name "\n.globl code_" #name "_end\n"                                   \
            "code_" #name ":\nhere_" #name ":\n" text "\ncode_" #name "_end:\n"                    \
            ".att_syntax\n.popsection\n")
#define CODE_BYTES(name) code_##name, (unsigned)(code_##name##_end - code_##name)

/* WINDOW_NATIVE + CODE_OFFSET + the label's distance from the start. */
#define POINTER(name, label) "0x1B6D01000000 + (" label " - here_" #name ")"

#endif
