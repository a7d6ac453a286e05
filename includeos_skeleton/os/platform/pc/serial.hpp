// The first serial port, COM1: 115200 baud, 8N1, FIFO of 16; transmits by polling, wakes by interrupt.
//
// Spec    PC16550D data sheet, section 8 (registers). IRQ 4 is routed by apic.cpp.
// Not     flow control; a machine without the port has a console that swallows all and types nothing.
#pragma once

#include <cstddef>

namespace pc::serial {

void start();
void write(const char* text, std::size_t length);  // blocks until the port has taken all
bool has_input();
int read();    // 0..255, or -1 when nothing was typed
void drain();  // wait until the last octet has left

}  // namespace pc::serial
