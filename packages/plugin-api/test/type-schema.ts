import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** The part of JSON Schema that says what a TypeScript type says; limits and descriptions are left out. */
export type Shape = { readonly [keyword: string]: unknown };

/** Reads type declarations of source files and says what JSON they allow. */
export class TypeReader {
  private readonly aliases = new Map<string, ts.TypeNode>();
  private readonly interfaces = new Map<string, ts.InterfaceDeclaration>();
  /** Names of types that a shape refers to. */
  readonly referred = new Set<string>();

  constructor(files: readonly URL[]) {
    for (const file of files) {
      const source = ts.createSourceFile(file.pathname, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
      for (const statement of source.statements) {
        if (ts.isTypeAliasDeclaration(statement)) this.aliases.set(statement.name.text, statement.type);
        if (ts.isInterfaceDeclaration(statement)) this.interfaces.set(statement.name.text, statement);
      }
    }
  }

  /** Members of a union type, by the value of their `type` property. */
  branches(union: string): ReadonlyMap<string, Shape> {
    const node = this.aliases.get(union);
    if (node === undefined || !ts.isUnionTypeNode(node)) throw new Error(`${union} is not a union`);
    const shapes = node.types.map((member) => this.shape(member));
    return new Map(shapes.map((shape) => [(shape.properties as { type: { const: string } }).type.const, shape]));
  }

  /** The object members of an intersection type, together. */
  common(intersection: string): Shape {
    const node = this.aliases.get(intersection);
    if (node === undefined || !ts.isIntersectionTypeNode(node)) throw new Error(`${intersection} is not an intersection`);
    return this.members(node.types.filter(ts.isTypeLiteralNode).flatMap((part) => [...part.members]));
  }

  named(name: string): Shape {
    const declaration = this.interfaces.get(name);
    if (declaration !== undefined) return this.members(this.withInherited(declaration));
    const alias = this.aliases.get(name);
    if (alias === undefined) throw new Error(`no type ${name}`);
    return ts.isIntersectionTypeNode(alias) ? this.shape(alias.types[0] as ts.TypeNode) : this.shape(alias);
  }

  private withInherited({ members, heritageClauses }: ts.InterfaceDeclaration): readonly ts.TypeElement[] {
    const inherited = (heritageClauses ?? []).flatMap(({ types }) =>
      types.flatMap(({ expression }) => this.inherited(expression.getText())),
    );
    return [...inherited, ...members];
  }

  private inherited(name: string): readonly ts.TypeElement[] {
    const declaration = this.interfaces.get(name);
    if (declaration === undefined) throw new Error(`no interface ${name}`);
    return this.withInherited(declaration);
  }

  private shape(node: ts.TypeNode): Shape {
    if (ts.isTypeLiteralNode(node)) return this.members([...node.members]);
    if (ts.isTypeOperatorNode(node)) return this.shape(node.type);
    if (ts.isParenthesizedTypeNode(node)) return this.shape(node.type);
    if (ts.isArrayTypeNode(node)) return { type: 'array', items: this.shape(node.elementType) };
    if (ts.isUnionTypeNode(node)) return { enum: node.types.map((member) => this.shape(member).const) };
    if (ts.isLiteralTypeNode(node)) return { const: literalValue(node) };
    if (ts.isTypeReferenceNode(node)) return this.reference(node);
    const keyword = keywords.get(node.kind);
    if (keyword === undefined) throw new Error(`cannot describe ${node.getText()}`);
    return keyword;
  }

  private reference(node: ts.TypeReferenceNode): Shape {
    const name = node.typeName.getText();
    const [argument] = node.typeArguments ?? [];
    if (name === 'Readonly' && argument !== undefined) return this.shape(argument);
    if (name === 'Record') return { type: 'object' };
    this.referred.add(name);
    return { $ref: `#/$defs/${name}` };
  }

  private members(members: readonly ts.TypeElement[]): Shape {
    const properties: Record<string, Shape> = {};
    const required: string[] = [];
    for (const member of members.filter(ts.isPropertySignature)) {
      const name = member.name.getText();
      properties[name] = this.shape(member.type as ts.TypeNode);
      if (member.questionToken === undefined) required.push(name);
    }
    return { type: 'object', properties, required };
  }
}

const keywords = new Map<ts.SyntaxKind, Shape>([
  [ts.SyntaxKind.StringKeyword, { type: 'string' }],
  [ts.SyntaxKind.NumberKeyword, { type: 'number' }],
  [ts.SyntaxKind.BooleanKeyword, { type: 'boolean' }],
]);

function literalValue(node: ts.LiteralTypeNode): unknown {
  const { literal } = node;
  if (ts.isStringLiteral(literal)) return literal.text;
  if (ts.isNumericLiteral(literal)) return Number(literal.text);
  throw new Error(`cannot describe ${node.getText()}`);
}
