"""The text form of a tree."""

from __future__ import annotations

from textwrap import dedent

from naclc.source import SourceFile
from naclc.syntax.dump import dump
from naclc.syntax.parse import parse


def dumped(text: str) -> str:
    tree, found = parse(SourceFile("test.nacl", text))
    assert found == []
    assert tree is not None
    return dump(tree)


def test_every_kind_of_node() -> None:
    text = dedent(
        """\
        Iface eth0 { index: "02", mtu: 1.5 }
        a.b: [10.0.0.0/8, 1-2, 10.0.0.1, true, x.y]
        Nat::TCP f {
          if (not a == 1 or b and c in d) { dnat(80) } else if (e) { log } else { }
        }
        """
    )
    assert dumped(text) == dedent(
        """\
        program @1:0-6:0
          typed Iface eth0 @1:0-1:36
            object @1:11-1:36
              member index @1:13-1:24
                string '02' @1:20-1:24
              member mtu @1:26-1:34
                decimal 1.5 @1:31-1:34
          untyped a.b @2:0-2:43
            list @2:5-2:43
              cidr 10.0.0.0/8 @2:6-2:16
              range @2:18-2:21
                integer 1 @2:18-2:19
                integer 2 @2:20-2:21
              ipv4 10.0.0.1 @2:23-2:31
              bool true @2:33-2:37
              path x.y @2:39-2:42
          function Nat::TCP f @3:0-5:1
            body @3:11-5:1
              if @4:2-4:75
                or @4:6-4:32
                  not @4:6-4:16
                  test == @4:10-4:16
                    path a @4:10-4:11
                    integer 1 @4:15-4:16
                  and @4:20-4:32
                    path b @4:20-4:21
                    test in @4:26-4:32
                      path c @4:26-4:27
                      path d @4:31-4:32
                then body @4:34-4:46
                  call dnat @4:36-4:44
                    integer 80 @4:41-4:43
              else if @4:52-4:75
                path e @4:56-4:57
                then body @4:59-4:66
                  action log @4:61-4:64
                else body @4:72-4:75
        """
    )


def test_control_characters_and_line_ends_stay_on_their_line() -> None:
    assert dumped('a: "x\\n\u00e9\0"').splitlines()[-1] == "    string 'x\\n\\xe9\\x00' @1:3-1:10"


def test_nesting_and_chains_have_no_limit() -> None:
    assert dumped("a: " + "[" * 1000 + "]" * 1000).count("list") == 1000
    chain = "if (a) { } else " * 10_000 + "{ }"
    assert dumped(f"Filter::IP f {{ {chain} if ({'not ' * 10_000} a) {{ }} }}").count("not") == 10_000
