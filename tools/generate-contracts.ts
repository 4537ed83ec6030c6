import { newestOf, type SchemaFile } from '../src/messaging/registry/schema-files.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
type JsonObject = { readonly [name: string]: Json };

const primitives: Readonly<Record<string, string>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  bytes: 'Buffer',
  string: 'string',
};

const isObject = (json: Json | undefined): json is JsonObject =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** Named types found so far, with the text of their declarations; the same name must mean the same everywhere. */
type Declarations = Map<string, string>;

const declare = (declarations: Declarations, name: string, text: string): string => {
  const known = declarations.get(name);
  if (known !== undefined && known !== text) throw new Error(`type ${name} is declared differently in two contracts`);
  declarations.set(name, text);
  return name;
};

const textOf = (json: Json | undefined, what: string): string => {
  if (typeof json !== 'string') throw new Error(`${what} is missing in a schema`);
  return json;
};

const listOf = (json: Json | undefined, what: string): readonly Json[] => {
  if (!Array.isArray(json)) throw new Error(`${what} is not a list`);
  return json as readonly Json[];
};

const docLine = (doc: Json | undefined, indent: string): string =>
  typeof doc === 'string' ? `${indent}/** ${doc} */\n` : '';

const recordOf = (schema: JsonObject, declarations: Declarations): string => {
  const name = textOf(schema['name'], 'the name of a record');
  const fields = listOf(schema['fields'], `fields of ${name}`).map((field) => {
    if (!isObject(field)) throw new Error(`a field of ${name} is not an object`);
    const type = typeOf(field['type'] ?? null, declarations);
    return `${docLine(field['doc'], '  ')}  readonly ${textOf(field['name'], `a field's name in ${name}`)}: ${type};\n`;
  });
  return declare(declarations, name, `${docLine(schema['doc'], '')}export interface ${name} {\n${fields.join('')}}\n`);
};

const enumOf = (schema: JsonObject, declarations: Declarations): string => {
  const name = textOf(schema['name'], 'the name of an enum');
  const symbols = listOf(schema['symbols'], `symbols of ${name}`).map((symbol) => `'${textOf(symbol, 'a symbol')}'`);
  return declare(declarations, name, `export type ${name} = ${symbols.join(' | ')};\n`);
};

const typeOf = (schema: Json, declarations: Declarations): string => {
  if (typeof schema === 'string') return primitives[schema] ?? schema.slice(schema.lastIndexOf('.') + 1);
  if (Array.isArray(schema)) {
    const branches = (schema as readonly Json[]).map((branch) => typeOf(branch, declarations));
    return [...branches.filter((branch) => branch !== 'null'), ...branches.filter((branch) => branch === 'null')].join(
      ' | ',
    );
  }
  if (!isObject(schema)) throw new Error(`not a schema: ${JSON.stringify(schema)}`);
  if (schema['type'] === 'record') return recordOf(schema, declarations);
  if (schema['type'] === 'enum') return enumOf(schema, declarations);
  if (schema['type'] === 'array')
    return `readonly (${typeOf(schema['items'] ?? null, declarations)})[]`.replace(/\((\w+)\)/, '$1');
  if (schema['type'] === 'map') return `Readonly<Record<string, ${typeOf(schema['values'] ?? null, declarations)}>>`;
  return typeOf(schema['type'] ?? null, declarations);
};

const keyOf = (contract: string): string => (/^\w+$/.test(contract) ? contract : `'${contract}'`);

/** Text of `contracts.gen.ts`: one readonly interface for the newest version of each contract, and their registry. */
export const contractsSource = (files: readonly SchemaFile[]): string => {
  const declarations: Declarations = new Map();
  const newest = newestOf(files).map((file) => ({
    ...file,
    type: typeOf(JSON.parse(file.text) as Json, declarations),
  }));
  return [
    '// Generated from schemas/ by tools/generate.ts. Do not edit.\n',
    ...declarations.values(),
    `/** Every contract by its name, as its newest version. */\nexport interface Contracts {\n${newest
      .map((each) => `  readonly ${keyOf(each.contract)}: ${each.type};\n`)
      .join('')}}\n`,
  ].join('\n');
};
