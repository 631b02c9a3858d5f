// Arithmetic: exact, bounded, and never more than arithmetic.
import { describe, expect, it } from "vitest";
import { calculate, calculateTool } from "./calculator.ts";

describe("calculate", () => {
  it.each([
    ["0.1 + 0.2", "0.3"],
    ["(1250 * 1.19) / 12", "123.9583333333333333333333333333333333333"],
    ["2 ^ 100", "1267650600228229401496703205376"],
    ["2 ^ 3 ^ 2", "512"],
    ["-2 ^ 2", "-4"],
    ["2 * -3 ^ 2", "-18"],
    ["8 / -2 ^ -1", "-16"],
    ["(-2) ^ 2", "4"],
    ["7 - -3", "10"],
    [".5 + 1.", "1.5"],
    ["10 % 4", "2"],
    ["round(10 / 3, 2)", "3.33"],
    ["sqrt(2) * sqrt(2)", "2"],
    ["max(1, 7, 3) - min(4, 2)", "5"],
    ["12.5 / 100 * 80", "10"],
    ["1e3 + 1", "1001"],
  ])("%s is %s", (expression, result) => {
    expect(Number(calculate(expression))).toBeCloseTo(Number(result), 12);
    if (!expression.startsWith("sqrt")) expect(calculate(expression)).toBe(result);
  });

  it.each([
    ["1 / 0", "Division by zero"],
    ["sqrt(-1)", "no finite result"],
    ["constructor", "no function"],
    ["constructor(1)", "no function"],
    ["toString(1)", "no function"],
    ["process.exit(1)", "no function"],
    ["1 2", "cannot be read"],
    ["1,000", "cannot be read"],
    ["sqrt()", "cannot be read"],
    ["pi(1)", "no function"],
    ["x = 1", "no function"],
    ["'a' + 'b'", "are understood"],
    ["(1 + 2", "cannot be read at the end"],
    ["", "cannot be read at the end"],
    [`${"(".repeat(200)}1${")".repeat(200)}`, "nested more than 100"],
    ["1+".repeat(300), "longer than 500"],
    ["9^9^9^9^9", "no finite result"],
    ["1e9000000000 % 7", "no finite result"],
    ["exp(99999999999)", "no finite result"],
    ["round(1, 2.5)", "0 to 40 places"],
    ["round(1, 1e9)", "0 to 40 places"],
  ])("refuses %s", (expression, message) => {
    expect(() => calculate(expression)).toThrow(message);
  });

  it("tells the model what is wrong instead of failing", async () => {
    expect(await calculateTool.invoke({ expression: "1 / 0" })).toBe("Could not calculate: Division by zero.");
  });
});
