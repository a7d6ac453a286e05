// What generated services use of uplink, a library apart from IncludeOS: declared only.
#pragma once

namespace uplink {

struct WS_uplink {
  void send_stats();
};
WS_uplink& get();

}  // namespace uplink
