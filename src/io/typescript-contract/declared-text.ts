/**
 * Writes a declaration of a TypeScript or JavaScript file without what its type does not depend on. Uses no type
 * checker: where a type is inferred, the text that it is inferred from counts.
 */

import type * as ts from 'typescript';
import type { Typescript } from '../typescript.js';
import { LiteralTypes } from './literal-types.js';
import { SourceText } from './source-text.js';

export interface Written {
  /** The declaration without bodies, on one line. */
  readonly shown: string;
  /** Texts that decide its inferred types. */
  readonly deciding: readonly string[];
  /** Names that may stand for something else in the file. */
  readonly names: ReadonlySet<string>;
}

export class DeclaredText {
  private readonly ts: Typescript;
  private readonly text: SourceText;
  private readonly literals: LiteralTypes;
  private readonly isScript: boolean;
  private deciding: string[] = [];

  /** `isScript`: plain JavaScript, where comments hold types and assignments declare members. */
  constructor(compiler: Typescript, source: ts.SourceFile, isScript: boolean) {
    this.ts = compiler;
    this.isScript = isScript;
    this.text = new SourceText(compiler, source, isScript);
    this.literals = new LiteralTypes(compiler, this.text);
  }

  /** `docs`: with its comments of documentation, which in JavaScript are always a part of it. */
  write(node: ts.Node, docs: boolean): Written {
    this.text.start();
    this.deciding = [];
    const shown = this.declaration(node);
    const comments = docs || this.isScript ? this.text.docsOf(node) : [];
    return {
      shown: [...comments, shown].join(' '),
      deciding: this.deciding,
      names: this.text.end(),
    };
  }

  private declaration(node: ts.Node): string {
    const { ts } = this;
    if (ts.isFunctionDeclaration(node)) return this.callable(node, 'function');
    if (ts.isClassLike(node)) return this.class(node);
    if (ts.isVariableDeclaration(node)) return this.variable(node);
    if (ts.isExportAssignment(node)) {
      const start = node.isExportEquals ? 'export =' : 'export default';
      return `${start} ${this.value(node.expression, true)}`;
    }
    if (ts.isExpressionStatement(node) && ts.isBinaryExpression(node.expression)) {
      const { left, operatorToken, right } = node.expression;
      if (operatorToken.kind === ts.SyntaxKind.EqualsToken)
        return `${this.text.of(left)} = ${this.value(right, true)}`;
    }
    return this.text.of(node);
  }

  private variable(node: ts.VariableDeclaration): string {
    const { ts } = this;
    const list = node.parent as ts.VariableDeclarationList;
    const isConst = (list.flags & ts.NodeFlags.Const) !== 0;
    const word = isConst ? 'const' : list.flags & ts.NodeFlags.Let ? 'let' : 'var';
    const start = `${this.modifiers(list.parent)}${word} ${this.text.of(node.name)}`;
    if (node.type) return `${start}: ${this.text.of(node.type)}`;
    if (this.isScript && ts.getJSDocType(node)) return start;
    if (!node.initializer) return start;
    if (ts.isIdentifier(node.name)) return `${start} = ${this.value(node.initializer, isConst)}`;
    this.deciding.push(this.text.of(node.initializer));
    return start;
  }

  /** What a value says of its type; where that cannot be told, the value itself decides. */
  private value(node: ts.Expression, keepsLiterals: boolean): string {
    const { ts } = this;
    if (ts.isArrowFunction(node) || ts.isFunctionExpression(node))
      return this.typesAt(node) + this.callable(node, 'function');
    if (ts.isClassExpression(node)) return this.typesAt(node) + this.class(node);
    const known = this.literals.of(node, keepsLiterals);
    if (known !== undefined) return known;
    if (ts.isIdentifier(node)) return this.text.of(node);
    this.deciding.push(this.text.of(node));
    return '…';
  }

  private callable(node: ts.FunctionLikeDeclaration, word: string): string {
    const { ts } = this;
    const star = 'asteriskToken' in node && node.asteriskToken ? '*' : '';
    const parameters = node.parameters.map((one) => this.parameter(one)).join(', ');
    const name = node.name ? this.text.of(node.name) : '';
    const named = [`${word}${star}`, name].filter((one) => one !== '').join(' ');
    const start = `${this.modifiers(node)}${named}${this.typeParameters(node)}(${parameters})`;
    if (node.type) return `${start}: ${this.text.of(node.type)}`;
    const { body } = node as { readonly body?: ts.Node };
    if (!body || ts.isConstructorDeclaration(node) || ts.isSetAccessor(node)) return start;
    if (this.isScript && (ts.getJSDocReturnType(node) || ts.getJSDocType(node.parent))) return start;
    if (!ts.isBlock(body)) return `${start} => ${this.value(body as ts.Expression, false)}`;
    if (!star && this.returnsNothing(node, body)) return `${start}: void`;
    this.deciding.push(this.text.of(body));
    return start;
  }

  private typeParameters({
    typeParameters = [],
  }: {
    readonly typeParameters?: Iterable<ts.TypeParameterDeclaration> | undefined;
  }): string {
    const all = [...typeParameters].map((one) => this.text.of(one));
    return all.length === 0 ? '' : `<${all.join(', ')}>`;
  }

  private parameter(node: ts.ParameterDeclaration): string {
    const rest = node.dotDotDotToken ? '...' : '';
    const optional = node.questionToken || node.initializer ? '?' : '';
    const start = `${this.typesAt(node)}${this.modifiers(node)}${rest}${this.text.of(node.name)}${optional}`;
    if (node.type) return `${start}: ${this.text.of(node.type)}`;
    if (!node.initializer || (this.isScript && this.ts.getJSDocType(node))) return start;
    return `${start}: ${this.value(node.initializer, false)}`;
  }

  /** The comments right before a part of a declaration, which in JavaScript hold its types. */
  private typesAt(node: ts.Node): string {
    return this.isScript ? this.text.docsBefore(node) : '';
  }

  /** Only function declarations and methods of classes: others without a way to their end give `never`. */
  private returnsNothing(node: ts.Node, body: ts.Block): boolean {
    const { ts } = this;
    if (!ts.isFunctionDeclaration(node) && !(ts.isMethodDeclaration(node) && ts.isClassLike(node.parent)))
      return false;
    const gives = (inner: ts.Node): boolean => {
      if (ts.isReturnStatement(inner) && inner.expression) return true;
      // In JavaScript a function that uses `this` may be a class.
      if (this.isScript && inner.kind === ts.SyntaxKind.ThisKeyword) return true;
      if (ts.isFunctionLike(inner) && !this.isScript) return false;
      return ts.forEachChild(inner, gives) === true;
    };
    return !gives(body);
  }

  private class(node: ts.ClassLikeDeclaration): string {
    const before = this.deciding.length;
    const open = this.members(node, false);
    // An inferred type may come from private members.
    const members = this.deciding.length > before ? this.members(node, true) : open;
    const name = node.name ? ` ${this.text.of(node.name)}` : '';
    const heritage = (node.heritageClauses ?? []).map((one) => ` ${this.text.of(one)}`).join('');
    return `${this.modifiers(node)}class${name}${this.typeParameters(node)}${heritage} { ${members.join('; ')} }`;
  }

  private members(node: ts.ClassLikeDeclaration, all: boolean): string[] {
    const { ts } = this;
    const found: string[] = [];
    const implemented = new Set<string>();
    for (const member of node.members) {
      const isOverload = ts.isMethodDeclaration(member) || ts.isConstructorDeclaration(member);
      const name = member.name ? this.text.of(member.name) : 'constructor';
      // Of overloads the declarations count, not what implements them all.
      if (isOverload && member.body && implemented.has(name)) continue;
      if (isOverload && !member.body) implemented.add(name);
      const isHash = member.name !== undefined && ts.isPrivateIdentifier(member.name);
      if (!all && isHash) found.push('#private');
      else if (!all && this.isPrivate(member) && member.name) found.push(`${this.modifiers(member)}${name}`);
      else {
        const one = this.member(member, node);
        if (one !== undefined) found.push(one);
      }
    }
    return found.filter((one, at) => one !== '#private' || found.indexOf(one) === at);
  }

  private isPrivate(member: ts.ClassElement): boolean {
    const { ts } = this;
    const modifiers = ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : [];
    return modifiers.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword);
  }

  private member(member: ts.ClassElement, of: ts.ClassLikeDeclaration): string | undefined {
    const { ts } = this;
    const body = (member as { readonly body?: ts.Node }).body;
    if (this.isScript && body && this.declaresMembers(body)) this.deciding.push(this.text.of(body));
    if (ts.isClassStaticBlockDeclaration(member) || ts.isSemicolonClassElement(member)) return undefined;
    const docs = this.text.docsBefore(member);
    if (ts.isConstructorDeclaration(member)) return `${docs}${this.callable(member, 'constructor')}`;
    if (ts.isGetAccessor(member)) return `${docs}${this.callable(member, 'get')}`;
    if (ts.isSetAccessor(member)) return `${docs}${this.callable(member, 'set')}`;
    if (ts.isMethodDeclaration(member))
      return `${docs}${this.callable(member, member.questionToken ? 'optional' : '')}`;
    if (!ts.isPropertyDeclaration(member)) return docs + this.text.of(member);
    const mark = member.questionToken ? '?' : member.exclamationToken ? '!' : '';
    const start = `${docs}${this.modifiers(member)}${this.text.of(member.name)}${mark}`;
    if (member.type) return `${start}: ${this.text.of(member.type)}`;
    if (this.isScript && ts.getJSDocType(member)) return start;
    const isReadonly = ts.getModifiers(member)?.some(({ kind }) => kind === ts.SyntaxKind.ReadonlyKeyword);
    if (member.initializer) return `${start} = ${this.value(member.initializer, isReadonly === true)}`;
    // What is assigned first decides.
    for (const other of of.members) {
      const isStart = ts.isConstructorDeclaration(other) || ts.isClassStaticBlockDeclaration(other);
      if (isStart && other.body) this.deciding.push(this.text.of(other.body));
    }
    return start;
  }

  /** Whether JavaScript declares members by what it assigns. */
  private declaresMembers(body: ts.Node): boolean {
    const { ts } = this;
    if (ts.isBinaryExpression(body) && this.isAssignment(body.operatorToken.kind)) {
      let to: ts.Node = body.left;
      while (ts.isPropertyAccessExpression(to) || ts.isElementAccessExpression(to)) to = to.expression;
      if (to.kind === ts.SyntaxKind.ThisKeyword) return true;
    }
    if (ts.isIdentifier(body) && body.text === 'defineProperty') return true;
    return ts.forEachChild(body, (inner) => this.declaresMembers(inner)) === true;
  }

  private isAssignment(kind: ts.SyntaxKind): boolean {
    const { FirstAssignment, LastAssignment } = this.ts.SyntaxKind;
    return kind >= FirstAssignment && kind <= LastAssignment;
  }

  private modifiers(node: ts.Node): string {
    const { ts } = this;
    const all = [
      ...(ts.canHaveDecorators(node) ? (ts.getDecorators(node) ?? []) : []),
      ...(ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : []),
    ];
    return all.map((one) => `${this.text.of(one)} `).join('');
  }
}
