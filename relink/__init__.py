"""TensorFlow's libraries, linked again: only what a set of operations needs, from the official wheel.

A program that loads one graph needs a few hundred of TensorFlow's kernels, and is given all of them, with the
compilers XLA, MLIR and LLVM beside them. Built from source, TensorFlow can leave them out (selective
registration). This package does the same to the libraries of a wheel: `python -m relink --help`.

**What a shared library is.** A file of *sections*: `.text` is code, `.rodata` constants, `.data` and `.bss`
variables, `.data.rel.ro` constants with addresses in them, such as tables of virtual functions. The loader maps
*segments*, ranges of pages, at an address of its choice, and then works off a list of *relocations*: "write the
address of this at that place". For code that refers to another function through the loader there is a slot in
the global offset table, `.got`, and for calls a stub in `.plt` that jumps through it. Then it calls the functions
in `.init_array`, one for each source file that has static objects with constructors.

**Binding** (`binding`, `names`). A C++ library exports all its functions, and the loader looks each one up by
name, even where the library calls itself: half a million look-ups. Here they are settled, as `ld -Bsymbolic`
would have done it, and the table of names is cut to those that something outside still asks for. That alone takes
away three quarters of the time of `dlopen`, and changes nothing else.

**Dropping.** Everything in the libraries becomes a node of a graph: each function and object of the symbol
table, each slot, each stub (`nodes`, `graph`). Its edges are found in three places. Position-independent code
refers to anything else only by a distance from the instruction itself, so reading all instructions (`decoder`)
finds all that code refers to. Data refers to anything only by relocations, as nobody else knows addresses
before loading. And the exception tables (`exceptions`) lead from a function to the types that it catches. What
the roots do not lead to can never be used. The roots are the C functions that a program calls, and the
initialisers.

**Initialisers** (`initialisers`, `operations`) are why a linker cannot do this by itself: each is a root, and
leads to a kernel that some graph may want. Here an initialiser is a root if what it registers is wanted: the
kernels of the given operations; everything else of the runtime but compilers. It is one also if it fills an object
that anything kept refers to, and so on, until nothing changes (`reachability`): kept code never meets an object
that was not constructed. An operation without its kernel is refused by TensorFlow with a status of its own.

**Writing** (`cut`, `writer`, `front`, `headers`). Addresses never change, so no instruction is touched. Pages
without anything that is kept are left out of the file, and a segment is made for each run of those that stay;
inside of them, what is dropped is overwritten with `int3`, which traps. Constants are dropped only where they
are large and nothing refers to a place near to them; `cut` says what is near to the largest. Then the file is
read again from nothing, and every reference in it is followed (`check`).

`understood` refuses everything for which there is no rule here; `linker` has the steps in their order.

Sources: the System V ABI (gABI, chapters 4 and 5), its x86-64 supplement (psABI), `elf.h`, the LSB's description
of `.eh_frame`, the Itanium C++ ABI, and Intel's manual, volume 2, appendix A.
"""
