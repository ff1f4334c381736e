/**
 * How likely a distance has another bit, of 256, before a column has shown it: LONGER[question][d] for question 0
 * ("u ≥ 1"), 1 ("u ≥ 2"), 2 (all longer ones) and d = 0…48 as in residual-coder.ts, four to a doubling of the
 * distances before. Smoothed from pumps, weather stations, noise, drifts, walks, counters and bursts alike; part of the
 * format, never to be changed within a version.
 */
// biome-ignore format: a table of data
export const LONGER: readonly (readonly number[])[] = [
  [
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 9, 19, 26, 32,
    38, 45, 54, 62, 75, 92, 112, 128, 140, 154, 162, 171, 186, 198, 208, 214,
    220, 226, 230, 234, 238, 241, 243, 245, 246, 248, 249, 250, 251, 252, 252, 253, 254,
  ],
  [
    130, 130, 130, 130, 130, 130, 130, 130, 128, 126, 124, 124, 124, 122, 120, 116,
    115, 118, 125, 132, 139, 146, 155, 168, 184, 195, 204, 212, 219, 224, 229, 233,
    237, 240, 242, 244, 246, 247, 248, 249, 250, 251, 252, 253, 253, 254, 254, 255, 255,
  ],
  [
    160, 130, 100, 90, 80, 70, 60, 52, 46, 40, 36, 34, 32, 31, 31, 35,
    43, 51, 62, 76, 96, 121, 142, 157, 172, 186, 196, 205, 214, 221, 226, 231,
    235, 238, 240, 242, 244, 246, 247, 248, 249, 250, 251, 252, 253, 253, 254, 254, 255,
  ],
];
