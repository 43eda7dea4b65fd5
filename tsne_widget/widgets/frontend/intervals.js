// 95 % intervals of shares, same as analysis/intervals.py. No DOM.

const Z = 1.959963984540054;

/** Wilson's interval of a share. @param {number} right @param {number} samples @returns {[number, number]} */
export function wilson(right, samples) {
  if (!samples) return [NaN, NaN];
  const share = right / samples;
  const middle = share + Z ** 2 / (2 * samples);
  const spread = Z * Math.sqrt((share * (1 - share)) / samples + Z ** 2 / (4 * samples ** 2));
  const whole = 1 + Z ** 2 / samples;
  return [right ? (middle - spread) / whole : 0, right < samples ? (middle + spread) / whole : 1];
}

/** Newcombe's interval of the difference of two shares. @param {number[]} one  right ones, samples @param {number[]} other @returns {[number, number]} */
export function difference([right, samples], [otherRight, otherSamples]) {
  const [share, other] = [right / samples, otherRight / otherSamples];
  const [low, high] = wilson(right, samples);
  const [otherLow, otherHigh] = wilson(otherRight, otherSamples);
  return [share - other - Math.hypot(share - low, otherHigh - other), share - other + Math.hypot(high - share, other - otherLow)];
}
