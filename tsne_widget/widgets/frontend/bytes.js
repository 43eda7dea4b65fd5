// Decodes traits of bytes, which arrive as little-endian DataViews.

/**
 * A typed array over the bytes of a trait; a copy if the bytes are not aligned.
 * @template {Uint8ArrayConstructor | Uint16ArrayConstructor | Uint32ArrayConstructor | Float32ArrayConstructor} T
 * @param {DataView | null | undefined} bytes  null gives an empty array
 * @param {T} Type
 * @returns {InstanceType<T>}
 */
export function typed(bytes, Type) {
  const size = Type.BYTES_PER_ELEMENT;
  const count = bytes ? Math.floor(bytes.byteLength / size) : 0;
  if (!bytes || !count) return /** @type {InstanceType<T>} */ (new Type(0));
  if (bytes.byteOffset % size === 0) return /** @type {InstanceType<T>} */ (new Type(bytes.buffer, bytes.byteOffset, count));
  return /** @type {InstanceType<T>} */ (new Type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + count * size)));
}

/**
 * A typed array of a known length; missing numbers get the given value.
 * @template {Uint32ArrayConstructor | Float32ArrayConstructor} T
 * @param {DataView | null | undefined} bytes
 * @param {T} Type
 * @param {number} count
 * @param {number} missing
 * @returns {InstanceType<T>}
 */
export function typedOf(bytes, Type, count, missing) {
  const values = /** @type {InstanceType<T>} */ (new Type(count)).fill(missing);
  values.set(typed(bytes, Type).subarray(0, count));
  return /** @type {InstanceType<T>} */ (values);
}

/**
 * Class codes: one byte each for up to 256 classes, otherwise two bytes.
 * @param {DataView | null | undefined} bytes
 * @param {number} classes
 */
export function typedCodes(bytes, classes) {
  return classes <= 256 ? typed(bytes, Uint8Array) : typed(bytes, Uint16Array);
}

/**
 * Unpack flags that numpy.packbits packed.
 * @param {DataView | null | undefined} bits
 * @param {number} count
 * @returns {Uint8Array}
 */
export function unpackBits(bits, count) {
  const flags = new Uint8Array(count);
  for (let i = 0; i < count && bits; i++) flags[i] = bitAt(bits, i);
  return flags;
}

/**
 * One packed bit; 0 if the index is out of range.
 * @param {DataView} bits
 * @param {number} index
 */
export function bitAt(bits, index) {
  const byte = index >> 3;
  if (index < 0 || byte >= bits.byteLength) return 0;
  return (bits.getUint8(byte) >> (7 - (index & 7))) & 1;
}
