// The key of a function that is made from strings. Runs in the build and, as text, in the page.

/** 53 bits of the words that `Function` is called with: parameters and body. */
export function keyOf(words) {
  var text = words.join('\n');
  var a = 0xdeadbeef;
  var b = 0x41c6ce57;
  for (var at = 0; at < text.length; at += 1) {
    var unit = text.charCodeAt(at);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(36);
}
