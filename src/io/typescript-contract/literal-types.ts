/** Types that are certain from a value's syntax alone: literals, and objects and lists of them. */

import type * as ts from 'typescript';
import type { Typescript } from '../typescript.js';
import type { SourceText } from './source-text.js';

export class LiteralTypes {
  private readonly ts: Typescript;
  private readonly text: SourceText;

  constructor(compiler: Typescript, text: SourceText) {
    this.ts = compiler;
    this.text = text;
  }

  /**
   * The type of a value, or undefined where its syntax does not tell. `keepsLiterals`: it is in a place that nothing is
   * assigned to, so that the literal itself is the type.
   */
  of(node: ts.Expression, keepsLiterals: boolean): string | undefined {
    const { ts } = this;
    const wide = this.primitive(node);
    if (wide !== undefined) return keepsLiterals ? this.text.of(node) : wide;
    const { jsDoc } = node as { readonly jsDoc?: unknown };
    if (ts.isParenthesizedExpression(node) && !jsDoc) return this.of(node.expression, keepsLiterals);
    if (ts.isTemplateExpression(node)) return 'string';
    if (ts.isRegularExpressionLiteral(node)) return 'RegExp';
    if (ts.isAsExpression(node) && !ts.isConstTypeReference(node.type)) return this.text.of(node.type);
    if (ts.isArrayLiteralExpression(node)) return this.list(node);
    if (ts.isObjectLiteralExpression(node)) return this.object(node);
    return undefined;
  }

  private primitive(node: ts.Expression): string | undefined {
    const { ts } = this;
    if (ts.isStringLiteralLike(node)) return 'string';
    if (ts.isNumericLiteral(node)) return 'number';
    if (ts.isBigIntLiteral(node)) return 'bigint';
    if (node.kind === ts.SyntaxKind.TrueKeyword || node.kind === ts.SyntaxKind.FalseKeyword) return 'boolean';
    if (!ts.isPrefixUnaryExpression(node)) return undefined;
    return node.operator === ts.SyntaxKind.MinusToken ? this.primitive(node.operand) : undefined;
  }

  /** Only lists of one primitive type: what others have in common needs the checker. */
  private list({ elements }: ts.ArrayLiteralExpression): string | undefined {
    const types = new Set(elements.map((one) => this.primitive(one)));
    const [only] = types;
    return types.size === 1 && only !== undefined ? `${only}[]` : undefined;
  }

  private object({ properties }: ts.ObjectLiteralExpression): string | undefined {
    const { ts } = this;
    const found: string[] = [];
    for (const one of properties) {
      if (!ts.isPropertyAssignment(one) || ts.isComputedPropertyName(one.name)) return undefined;
      const type = this.of(one.initializer, false);
      if (type === undefined) return undefined;
      found.push(`${this.text.docsBefore(one)}${this.text.of(one.name)}: ${type}`);
    }
    return `{ ${found.join('; ')} }`;
  }
}
