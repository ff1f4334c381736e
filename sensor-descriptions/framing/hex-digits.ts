/** Numbers as letters 0–9, A–F. */

/** 0 to 15, or -1 for another letter; both cases count. */
export function hexDigit(letter: number): number {
  if (letter >= 0x30 && letter <= 0x39) return letter - 0x30;
  const upper = letter & ~0x20;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : -1;
}

export const hexDigits = (value: number, count: number): string =>
  value.toString(16).toUpperCase().padStart(count, "0");
