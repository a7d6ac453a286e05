// The plugin "NaCl": has the generated register_plugin_nacl() called before the user's own Service::start.
//
// Linked only beside a policy that was compiled with --plugin: the builder asks for the symbol
// `naclc_plugin_nacl`, and a whole service, which calls register_plugin_nacl() itself, does not.
#include <os>

void register_plugin_nacl();

extern "C" {
extern const char naclc_plugin_nacl[];
const char naclc_plugin_nacl[] = "NaCl";
}

namespace {

[[gnu::constructor]] void register_plugin() { os::register_plugin(&register_plugin_nacl, naclc_plugin_nacl); }

}  // namespace
