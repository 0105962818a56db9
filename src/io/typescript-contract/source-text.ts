/** The text of nodes as their tokens, without line breaks and comments, and the names that stand in them. */

import type * as ts from 'typescript';
import type { Typescript } from '../typescript.js';

/** No space is written before these, and after those. */
const CLOSING = new Set([',', ';', ')', ']', '>', '.', '?', ':']);
const OPENING = new Set(['(', '[', '<', '.', '...']);

export class SourceText {
  private readonly ts: Typescript;
  private readonly source: ts.SourceFile;
  private readonly isScript: boolean;
  private names = new Set<string>();

  constructor(compiler: Typescript, source: ts.SourceFile, isScript: boolean) {
    this.ts = compiler;
    this.source = source;
    this.isScript = isScript;
  }

  /** From here on, names are collected. */
  start(): void {
    this.names = new Set();
  }

  end(): ReadonlySet<string> {
    return this.names;
  }

  of(node: ts.Node): string {
    const tokens: string[] = [];
    this.collect(node, tokens);
    return joined(tokens);
  }

  /** What is documented of a node; in JavaScript all comments above it, because they hold types. */
  docsOf(node: ts.Node): string[] {
    const statement = this.ts.isVariableDeclaration(node) ? this.commentsOf(node.parent.parent) : [];
    const all = [...statement, ...this.commentsOf(node)];
    // The first comment of a file stands above its first declaration too.
    return this.isScript ? all : all.slice(-1);
  }

  /** The same, to be written before the node. */
  docsBefore(node: ts.Node): string {
    return this.docsOf(node)
      .map((one) => `${one} `)
      .join('');
  }

  /** Comments of documentation above a node, with one space for each line break. */
  commentsOf(node: ts.Node): string[] {
    const { jsDoc = [] } = node as { readonly jsDoc?: readonly ts.Node[] };
    return jsDoc.map((one) => this.comment(one));
  }

  private comment(node: ts.Node): string {
    const text = node.getText(this.source).replace(/\s*\n\s*(?:\*(?!\/))?\s*/g, ' ');
    // In JavaScript a comment names types.
    if (this.isScript) for (const [name] of text.matchAll(/[\p{L}_$][\p{L}\p{N}_$]*/gu)) this.names.add(name);
    return text;
  }

  private collect(node: ts.Node, tokens: string[]): void {
    const { ts, source } = this;
    if (ts.isJSDoc(node)) {
      // The types of JavaScript, and what is said of the members of a type, a value or a namespace.
      if (this.isScript || this.isMember(node.parent)) tokens.push(this.comment(node));
      return;
    }
    if (ts.isIdentifier(node) && !this.isOnlyName(node)) this.names.add(node.text);
    const children = node.getChildren(source);
    if (children.length === 0) {
      const text = node.getText(source);
      if (text !== '') tokens.push(text);
      return;
    }
    for (const child of children) this.collect(child, tokens);
    // A line break can end a statement: two texts of the same tokens are the same program only with their ends.
    if (!this.endsItself(node)) return;
    const last = tokens.at(-1);
    if (last === ',') tokens.pop();
    if (last !== ';') tokens.push(';');
  }

  private isMember(node: ts.Node): boolean {
    const { ts } = this;
    const isPart = ts.isTypeElement(node) || ts.isClassElement(node) || ts.isObjectLiteralElement(node);
    return isPart || ts.isEnumMember(node) || ts.isModuleBlock(node.parent);
  }

  private endsItself({ kind }: ts.Node): boolean {
    const { SyntaxKind } = this.ts;
    switch (kind) {
      case SyntaxKind.ExpressionStatement:
      case SyntaxKind.VariableStatement:
      case SyntaxKind.ReturnStatement:
      case SyntaxKind.ThrowStatement:
      case SyntaxKind.BreakStatement:
      case SyntaxKind.ContinueStatement:
      case SyntaxKind.DebuggerStatement:
      case SyntaxKind.DoStatement:
      case SyntaxKind.TypeAliasDeclaration:
      case SyntaxKind.ImportDeclaration:
      case SyntaxKind.ImportEqualsDeclaration:
      case SyntaxKind.ExportDeclaration:
      case SyntaxKind.ExportAssignment:
      case SyntaxKind.PropertyDeclaration:
      case SyntaxKind.PropertySignature:
      case SyntaxKind.MethodSignature:
      case SyntaxKind.CallSignature:
      case SyntaxKind.ConstructSignature:
      case SyntaxKind.IndexSignature:
        return true;
      default:
        return false;
    }
  }

  /** Names a member or a parameter, and so nothing else in the file. */
  private isOnlyName(node: ts.Identifier): boolean {
    const { ts } = this;
    const { parent } = node;
    if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
    if (ts.isQualifiedName(parent)) return parent.right === node;
    if (ts.isBindingElement(parent)) return parent.propertyName === node || parent.name === node;
    const isNamed =
      ts.isParameter(parent) ||
      ts.isPropertyAssignment(parent) ||
      ts.isTypeElement(parent) ||
      ts.isClassElement(parent) ||
      ts.isEnumMember(parent) ||
      ts.isJsxAttribute(parent) ||
      ts.isNamedTupleMember(parent);
    return isNamed && (parent as { readonly name?: ts.Node }).name === node;
  }
}

function joined(tokens: readonly string[]): string {
  let text = '';
  let last = '(';
  for (const token of tokens) {
    const isClose = CLOSING.has(token) || (token === '(' && /[\p{L}\p{N}_$>]$/u.test(last));
    const isBare = text === '' || isClose || OPENING.has(last);
    const isIndex = (token === '[' || token === '<') && /[\p{L}\p{N}_$\]]$/u.test(last);
    text += isBare || isIndex ? token : ` ${token}`;
    last = token;
  }
  return text.replace(/;$/, '');
}
