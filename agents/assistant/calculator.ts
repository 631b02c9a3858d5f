// Arithmetic done properly: expressions are parsed, never evaluated as code, and computed with decimal numbers.
import { tool } from "@langchain/core/tools";
import { Decimal } from "decimal.js";
import jsep, { type Expression } from "jsep";
import { z } from "zod";

const expressionLengthMax = 500;
const nestingMax = 100;
const digits = 40;

const Exact = Decimal.clone({ precision: digits, toExpNeg: -digits, toExpPos: digits });

// In this parser's own language ^ is a bit operation; in arithmetic it is the power, and binds to the right.
jsep.addBinaryOp("^", 12, true);
jsep.addBinaryOp("**", 12, true);

const functions: Record<string, (...values: Decimal[]) => Decimal> = {
  abs: (value) => value!.abs(),
  ceil: (value) => value!.ceil(),
  exp: (value) => value!.exp(),
  floor: (value) => value!.floor(),
  ln: (value) => value!.ln(),
  log: (value) => value!.log(10),
  max: (...values) => Exact.max(...values),
  min: (...values) => Exact.min(...values),
  round: (value, places) => value!.toDecimalPlaces(places?.toNumber() ?? 0, Decimal.ROUND_HALF_UP),
  sqrt: (value) => value!.sqrt(),
};

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
 * max, min, round(value, places), sqrt, pi and e.
 * @throws CalculationError for anything else, a division by zero and a result that is not a finite number.
 */
export function calculate(expression: string): string {
  if (expression.length > expressionLengthMax) {
    throw new CalculationError(`The expression is longer than ${expressionLengthMax} characters.`);
  }
  const result = evaluate(parse(expression), 0);
  if (!result.isFinite()) throw new CalculationError(`"${expression}" has no finite result.`);
  return result.toString();
}

function parse(expression: string): Expression {
  try {
    return jsep(expression);
  } catch (error) {
    throw new CalculationError(`"${expression}" is not an arithmetic expression: ${(error as Error).message}`);
  }
}

function evaluate(node: Expression, depth: number): Decimal {
  if (depth > nestingMax) throw new CalculationError(`The expression is nested more than ${nestingMax} deep.`);
  const next = (child: unknown) => evaluate(child as Expression, depth + 1);
  switch (node.type) {
    case "Literal":
      // The text as written, because a binary floating point number has already lost 0.1.
      if (typeof node.value === "number") return new Exact(String(node.raw));
      break;
    case "Identifier":
      if (Object.hasOwn(constants, String(node.name))) return constants[String(node.name)]!();
      break;
    case "UnaryExpression":
      if (node.operator === "-") return next(node.argument).negated();
      if (node.operator === "+") return next(node.argument);
      break;
    case "BinaryExpression":
      return combine(String(node.operator), next(node.left), next(node.right));
    case "CallExpression": {
      const name = String((node.callee as Expression).name);
      const values = (node.arguments as Expression[]).map(next);
      if (Object.hasOwn(functions, name) && values.length > 0) return functions[name]!(...values);
      throw new CalculationError(`There is no function "${name}"; known are ${Object.keys(functions).join(", ")}.`);
    }
  }
  throw new CalculationError("Only numbers, + - * / % ^, brackets and the known functions are understood.");
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
    case "**":
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
