// Exceptions and interrupt vectors of the processor. An exception prints the registers and ends the machine
// with platform::kPanicStatus; it runs on a stack of its own, so that a stack overflow is reported, too.
//
// Spec    Intel SDM volume 3, chapter 6 (IDT, error codes), 8.7 (64-bit TSS).
#pragma once

namespace pc::exceptions {

void start();

}  // namespace pc::exceptions
