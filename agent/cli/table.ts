/** Columns that line up, for people. The last column is not padded. */
export function table(rows: readonly (readonly string[])[], gap = 2): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + gap)))
        .join("")
        .trimEnd(),
    )
    .join("\n");
}

/** "1.2 s", "35 s", "12 min", "3 h", "4 d" */
export function spokenDuration(ms: number): string {
  if (ms < 9_950) return `${Math.round(ms / 100) / 10} s`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

export function spokenBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Of pings that a bad network makes necessary. */
export const morePingsText = (bytes: number): string =>
  `${spokenBytes(Math.round(bytes))} more on a network that forgets a silent connection after a minute: what it allows is learned.`;
