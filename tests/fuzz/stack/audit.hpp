// Looks into the stack where its users cannot: what its tables must be whenever no packet is on its way.
#pragma once

namespace audit {

// Every tuple finds its entry, what is counted is there, and each port of masquerading that is taken is one
// entry's.
void check_flows();

// Ends what time would end (flows, leases, known neighbours), checks that nothing is left of it, and sets
// back counters and random numbers: the next input meets the machine as the first one did.
void forget_everything();

}  // namespace audit
