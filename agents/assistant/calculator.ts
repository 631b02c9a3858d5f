// Arithmetic done properly: expressions are parsed, never evaluated as code, and computed with decimal numbers.
import { tool } from "@langchain/core/tools";
import { Decimal } from "decimal.js";
import { z } from "zod";

const expressionLengthMax = 500;
const nestingMax = 100;
const digits = 40;

// Without a bound on exponents, "1e9000000000 % 7" would take the whole process down.
const exponentMax = 1_000;

const Exact = Decimal.clone({
  precision: digits,
  toExpNeg: -digits,
  toExpPos: digits,
  maxE: exponentMax,
  minE: -exponentMax,
});

const functions: Record<string, (...values: Decimal[]) => Decimal> = {
  abs: (value) => value!.abs(),
  ceil: (value) => value!.ceil(),
  exp: (value) => value!.exp(),
  floor: (value) => value!.floor(),
  ln: (value) => value!.ln(),
  log: (value) => value!.log(10),
  max: (...values) => Exact.max(...values),
  min: (...values) => Exact.min(...values),
  round: (value, places) => value!.toDecimalPlaces(wholePlaces(places), Decimal.ROUND_HALF_UP),
  sqrt: (value) => value!.sqrt(),
};

function wholePlaces(places: Decimal | undefined): number {
  const count = places?.toNumber() ?? 0;
  if (Number.isInteger(count) && count >= 0 && count <= digits) return count;
  throw new CalculationError(`round(value, places) takes 0 to ${digits} places.`);
}

const constants: Record<string, () => Decimal> = {
  pi: () => Exact.acos(-1),
  e: () => new Exact(1).exp(),
};

/** An expression that cannot be computed; the message says why, in words that a model can use. */
export class CalculationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CalculationError";
  }
}

/**
 * Computes an arithmetic expression to 40 significant digits: `+ - * / % ^`, brackets, abs, ceil, exp, floor, ln, log (base 10),
 * max, min, round(value, places), sqrt, pi and e. Numbers may reach 10^1000 in size.
 * @throws CalculationError for anything else, a division by zero and a result that is not a finite number.
 */
export function calculate(expression: string): string {
  if (expression.length > expressionLengthMax) {
    throw new CalculationError(`The expression is longer than ${expressionLengthMax} characters.`);
  }
  const result = new Evaluation(expression).result();
  if (!result.isFinite()) throw new CalculationError(`"${expression}" has no finite result.`);
  return result.toString();
}

/** Reads an expression from left to right by the usual rules: brackets, powers (from the right), signs, * / %, + -. */
class Evaluation {
  private readonly symbols: string[];
  private at = 0;
  private depth = 0;

  constructor(expression: string) {
    const symbols = expression.match(/\d+\.?\d*(?:e[+-]?\d+)?|\.\d+|[a-z]+|\*\*|\S/gi) ?? [];
    this.symbols = symbols.map((symbol) => (symbol === "**" ? "^" : symbol));
  }

  result(): Decimal {
    const value = this.sum();
    if (this.at < this.symbols.length) throw this.unexpected();
    return value;
  }

  private sum(): Decimal {
    let value = this.product();
    while (this.peek() === "+" || this.peek() === "-") value = combine(this.take(), value, this.product());
    return value;
  }

  private product(): Decimal {
    let value = this.signed();
    while (this.peek() === "*" || this.peek() === "/" || this.peek() === "%") {
      value = combine(this.take(), value, this.signed());
    }
    return value;
  }

  private signed(): Decimal {
    if (++this.depth > nestingMax) throw new CalculationError(`The expression is nested more than ${nestingMax} deep.`);
    let value: Decimal;
    if (this.peek() === "-" || this.peek() === "+") {
      value = this.take() === "-" ? this.signed().negated() : this.signed();
    } else {
      value = this.atom();
      if (this.peek() === "^") value = combine(this.take(), value, this.signed());
    }
    this.depth--;
    return value;
  }

  private atom(): Decimal {
    const symbol = this.peek() ?? "";
    if (/^[\d.]*\d/.test(symbol)) return new Exact(this.take());
    if (symbol === "(") return this.bracketed()[0]!;
    if (!/^[a-z]+$/i.test(symbol)) throw this.unexpected();
    const name = this.take().toLowerCase();
    if (this.peek() !== "(" && Object.hasOwn(constants, name)) return constants[name]!();
    if (!Object.hasOwn(functions, name)) {
      throw new CalculationError(`There is no function "${name}"; known are ${Object.keys(functions).join(", ")}.`);
    }
    return functions[name]!(...this.bracketed());
  }

  /** One or more values in brackets, separated by commas. */
  private bracketed(): Decimal[] {
    if (this.peek() !== "(") throw this.unexpected();
    const values: Decimal[] = [];
    do {
      this.take();
      values.push(this.sum());
    } while (this.peek() === ",");
    if (this.peek() !== ")") throw this.unexpected();
    this.take();
    return values;
  }

  private peek(): string | undefined {
    return this.symbols[this.at];
  }

  private take(): string {
    return this.symbols[this.at++]!;
  }

  private unexpected(): CalculationError {
    const found = this.peek() === undefined ? "the end" : `"${this.peek()}"`;
    return new CalculationError(
      `The expression cannot be read at ${found}; only numbers, + - * / % ^, brackets and known functions are understood.`,
    );
  }
}

function combine(operator: string, left: Decimal, right: Decimal): Decimal {
  switch (operator) {
    case "+":
      return left.plus(right);
    case "-":
      return left.minus(right);
    case "*":
      return left.times(right);
    case "/":
      if (right.isZero()) throw new CalculationError("Division by zero.");
      return left.dividedBy(right);
    case "%":
      if (right.isZero()) throw new CalculationError("Division by zero.");
      return left.modulo(right);
    case "^":
      return left.toPower(right);
    default:
      throw new CalculationError(`The operator "${operator}" is not understood.`);
  }
}

/** The tool `calculate`. */
export const calculateTool = tool(
  ({ expression }) => {
    try {
      return `${expression} = ${calculate(expression)}`;
    } catch (error) {
      if (error instanceof CalculationError) return `Could not calculate: ${error.message}`;
      throw error;
    }
  },
  {
    name: "calculate",
    description: "Computes an arithmetic expression exactly, to 40 significant digits.",
    schema: z.object({
      expression: z.string().describe("For example (1250 * 1.19) / 12, sqrt(2), round(10 / 3, 2), 2 ^ 100"),
    }),
  },
);
