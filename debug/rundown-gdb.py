"""Call stacks for gdb over `rundown debug --gdb`:  gdb -x rundown-gdb.py

A Windows driver's stack is unwound by its .pdata, which a gdb for Linux does not read; and the kernel's assembly has nothing else.
rundown knows both, and unloaded images, interrupts and exceptions too: it is asked for each frame's caller. What it does not
know is left to gdb.
"""

import gdb
from gdb.unwinder import Unwinder

REGISTERS = ("rip", "rsp", "rbx", "rbp", "rsi", "rdi", "r12", "r13", "r14", "r15")


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class Rundown(Unwinder):
    def __init__(self):
        super().__init__("rundown")

    def __call__(self, frame):
        if not isinstance(gdb.selected_inferior().connection, gdb.RemoteTargetConnection):
            return None
        try:
            rip, rsp = (int(frame.read_register(r)) & 0xFFFFFFFFFFFFFFFF for r in ("rip", "rsp"))
            if rip == 0:
                return None
            answer = gdb.execute("monitor caller %x,%x" % (rip, rsp), False, True)
        except gdb.error:
            return None
        words = answer.split(",")
        if len(words) != 2 + len(REGISTERS):
            return None
        numbers = [int(w, 16) for w in words]
        unwound = frame.create_unwind_info(FrameId(gdb.Value(numbers[0]), gdb.Value(numbers[1])))
        for name, number in zip(REGISTERS, numbers[2:]):  # rip 0: the thread began here, and gdb goes no further
            kind = frame.read_register(name).type
            unwound.add_saved_register(name, gdb.Value(number.to_bytes(8, "little"), kind))
        return unwound


gdb.unwinder.register_unwinder(None, Rundown(), True)
