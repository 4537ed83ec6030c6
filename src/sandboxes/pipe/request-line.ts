/** How a body is to be understood. */
export type ContentType = 'json' | 'text' | 'binary';

const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const quote = 0x22;

const jsonHead = Buffer.from('{"content_type":"json","data":');
const textHead = Buffer.from('{"content_type":"text","data":');
const binaryHead = Buffer.from('{"content_type":"binary","data":"');
const valueTail = Buffer.from('}\n');
const stringTail = Buffer.from('"}\n');

/** In JSON these stand only between values, where a space means the same; in a line they would end it. */
const blank = (bytes: Buffer, character: number): void => {
  for (let at = bytes.indexOf(character); at >= 0; at = bytes.indexOf(character, at + 1)) bytes[at] = space;
};

const startsWithString = (body: Buffer): boolean => {
  for (const byte of body) if (byte > space) return byte === quote;
  return false;
};

const jsonLine = (body: Buffer): Buffer => {
  const head = startsWithString(body) ? textHead : jsonHead;
  const line = Buffer.concat([head, body, valueTail]);
  const inner = line.subarray(head.length, line.length - valueTail.length);
  blank(inner, newline);
  blank(inner, carriageReturn);
  return line;
};

/** The line that a runner reads. JSON is not parsed: the caller vouches that it is valid. A JSON string arrives as text. */
export const requestLine = (contentType: ContentType, body: Buffer): Buffer => {
  switch (contentType) {
    case 'json':
      return jsonLine(body);
    case 'text':
      return Buffer.concat([textHead, Buffer.from(JSON.stringify(body.toString('utf8'))), valueTail]);
    case 'binary':
      return Buffer.concat([binaryHead, Buffer.from(body.toString('base64')), stringTail]);
  }
};
