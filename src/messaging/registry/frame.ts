/**
 * Confluent's wire format: a zero byte, the schema id as four bytes, the Avro bytes. Own records are decoded by their
 * contract header; the id serves readers that know only a registry.
 */

/** Bytes before the Avro bytes. */
export const frameBytes = 5;

/** The id in the frame, or undefined when the bytes are not framed. */
export const frameIdOf = (value: Buffer): number | undefined =>
  value.length >= frameBytes && value[0] === 0 ? value.readUInt32BE(1) : undefined;

/** Writes the frame of that schema id at `position`. */
export const writeFrame = (target: Buffer, position: number, schemaId: number): void => {
  target[position] = 0;
  target.writeUInt32BE(schemaId, position + 1);
};
