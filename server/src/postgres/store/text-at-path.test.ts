// Proves which texts of a value a path picks.
import { expect, test } from "vitest";
import { textsAtPath } from "./text-at-path.ts";

const value = {
  title: "t",
  n: 5,
  nested: { deep: { text: "d" } },
  list: [{ text: "a" }, { text: "b" }, { other: 1 }],
  tags: ["x", "y"],
};

test.each<[string, string[]]>([
  ["$", [JSON.stringify(value)]],
  ["title", ["t"]],
  ["n", ["5"]],
  ["nested.deep.text", ["d"]],
  ["nested.deep", ['{"text":"d"}']],
  ["list[*].text", ["a", "b"]],
  ["list[0].text", ["a"]],
  ["list[-2].text", ["b"]],
  ["tags[*]", ["x", "y"]],
  ["tags[9]", []],
  ["tags[x]", []],
  ["title[*]", []],
  ["missing.path", []],
  ["toString", []],
])("%s", (path, expected) => {
  expect(textsAtPath(value, path)).toEqual(expected);
});

test("null is no text", () => {
  expect(textsAtPath({ a: null }, "a")).toEqual([]);
});
