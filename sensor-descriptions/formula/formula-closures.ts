/** What a compiled formula consists of: closures over closures, each of them one operation. */

type Lookup = (name: string) => number;
export type Run = (valueOf: Lookup) => number;

/** 1, 0, or NaN for what is no number. */
const isTrue = (value: number): number => (value === 0 ? 0 : value !== value ? value : 1);

export const either =
  (left: Run, right: Run): Run =>
  (valueOf) => {
    const first = isTrue(left(valueOf));
    return first === 0 ? isTrue(right(valueOf)) : first;
  };

export const bothOf =
  (left: Run, right: Run): Run =>
  (valueOf) => {
    const first = isTrue(left(valueOf));
    return first === 1 ? isTrue(right(valueOf)) : first;
  };

/** The four commonest operators have closures of their own, which the engine can inline. */
export function binary(compute: (a: number, b: number) => number, left: Run, right: Run, sign: string): Run {
  switch (sign) {
    case "+":
      return (valueOf) => left(valueOf) + right(valueOf);
    case "-":
      return (valueOf) => left(valueOf) - right(valueOf);
    case "*":
      return (valueOf) => left(valueOf) * right(valueOf);
    default:
      return (valueOf) => compute(left(valueOf), right(valueOf));
  }
}

/** Up to three values go without an array, which the engine would make for each evaluation. */
export function applied(compute: (...values: number[]) => number, values: readonly Run[]): Run {
  const [a, b, c] = values;
  if (a !== undefined && values.length === 1) return (valueOf) => compute(a(valueOf));
  if (a !== undefined && b !== undefined && values.length === 2) return (valueOf) => compute(a(valueOf), b(valueOf));
  if (a !== undefined && b !== undefined && c !== undefined && values.length === 3) {
    return (valueOf) => compute(a(valueOf), b(valueOf), c(valueOf));
  }
  return (valueOf) => compute(...values.map((value) => value(valueOf)));
}
