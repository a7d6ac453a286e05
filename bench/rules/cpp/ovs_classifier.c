// Open vSwitch's classifier behind plain functions: its headers are C. See open_vswitch.cpp.
#include <config.h>

#include "classifier.h"
#include "flow.h"
#include "ovs-rcu.h"
#include "util.h"

static struct classifier classifier;

// A rule as classifiers with masks know it: all values in host order.
struct masked {
  unsigned source, source_mask, destination, destination_mask;
  unsigned short source_port, source_port_mask, destination_port, destination_port_mask;
  int protocol;  // -1: any
  int priority;
  unsigned accept;
};

struct entry {
  struct cls_rule rule;
  unsigned accept;
};

void ovs_start(void);
void ovs_insert(const struct masked* rules, unsigned count);
unsigned ovs_lookup(unsigned source, unsigned destination, unsigned short source_port,
                    unsigned short destination_port, unsigned char protocol);

// As ovs-vswitchd makes its tables: staged look-up, and tries for both addresses.
void ovs_start(void) {
  static const enum mf_field_id tries[] = {MFF_IPV4_DST, MFF_IPV4_SRC};
  classifier_init(&classifier, flow_segment_u64s);
  classifier_set_prefix_fields(&classifier, tries, 2);
}

void ovs_insert(const struct masked* rules, unsigned count) {
  classifier_defer(&classifier);
  for (unsigned i = 0; i < count; ++i) {
    const struct masked* each = &rules[i];
    struct match match;
    match_init_catchall(&match);
    match_set_dl_type(&match, htons(0x0800));
    match_set_nw_src_masked(&match, htonl(each->source), htonl(each->source_mask));
    match_set_nw_dst_masked(&match, htonl(each->destination), htonl(each->destination_mask));
    if (each->protocol >= 0) match_set_nw_proto(&match, (uint8_t)each->protocol);
    match_set_tp_src_masked(&match, htons(each->source_port), htons(each->source_port_mask));
    match_set_tp_dst_masked(&match, htons(each->destination_port), htons(each->destination_port_mask));
    struct entry* made = xmalloc(sizeof *made);
    cls_rule_init(&made->rule, &match, each->priority);
    made->accept = each->accept;
    const struct cls_rule* replaced = classifier_find_rule_exactly(&classifier, &made->rule, OVS_VERSION_MIN);
    if (replaced == NULL) classifier_insert(&classifier, &made->rule, OVS_VERSION_MIN, NULL, 0);
  }
  classifier_publish(&classifier);
}

// 1: accepted.
unsigned ovs_lookup(unsigned source, unsigned destination, unsigned short source_port,
                    unsigned short destination_port, unsigned char protocol) {
  static struct flow flow;  // the fields that no rule reads stay zero
  flow.dl_type = htons(0x0800);
  flow.nw_src = htonl(source);
  flow.nw_dst = htonl(destination);
  flow.nw_proto = protocol;
  flow.tp_src = htons(source_port);
  flow.tp_dst = htons(destination_port);
  // Without wildcards to fill: nobody here caches flows, and it is the faster way.
  const struct cls_rule* rule = classifier_lookup(&classifier, OVS_VERSION_MIN, &flow, NULL);
  return rule == NULL ? 0 : CONTAINER_OF(rule, struct entry, rule)->accept;
}
