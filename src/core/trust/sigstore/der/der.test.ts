import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '#error'
import * as der from '../testing/der-writer.ts'
import { DerReader, readDer, tags } from './reader.ts'
import {
  booleanOf,
  dottedOid,
  namedBitsOf,
  oidOf,
  readBytesOfBits,
  readInteger,
  readOid,
  readPositive,
  readSmallInteger,
  readTime,
  textOf,
} from './values.ts'

const reader = (hex: string): DerReader => new DerReader(Buffer.from(hex, 'hex'), 'test')
const refusedAs = (code: string) => (error: unknown) =>
  error instanceof SallyportError && error.code === code
const isMalformed = refusedAs('SIGSTORE_DER')

const lengths = {
  'an indefinite length': '30800000',
  'a long form where the short one does': '30810100',
  'leading zeros in a length': '3082000100',
  'four bytes of length': '308400000001',
  'a length beyond the end': '30050102',
  'a length that is cut': '3082',
  'no length': '30',
  nothing: '',
}
for (const [what, hex] of Object.entries(lengths)) {
  test(`X.690 §10.1: ${what} is refused`, () => {
    assert.throws(() => reader(hex).read(tags.sequence), isMalformed)
  })
}

test('an element ends where its parent does', () => {
  const inner = reader('3003020200ff').read(tags.sequence).children()
  assert.throws(() => inner.read(tags.integer), isMalformed)
})

test('a tag that is not expected is refused, and so are bytes that are left over', () => {
  assert.throws(() => reader('0500').read(tags.integer), isMalformed)
  assert.throws(() => readDer(Buffer.from('050000', 'hex'), tags.null, 'test'), isMalformed)
})

test('tags of several bytes and the end of indefinite contents are refused', () => {
  for (const hex of ['1f8100', '0000', '']) {
    assert.throws(() => reader(hex).readAny(), isMalformed)
  }
})

test('what the writer writes, the reader reads, at every length of length', () => {
  for (const size of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
    const element = readDer(der.octets(Buffer.alloc(size, 7)), tags.octetString, 'test')
    assert.equal(element.content.length, size)
    assert.equal(element.whole.length, element.end)
  }
})

test('object identifiers are read and written in dots', () => {
  for (const dotted of ['2.5.29.15', '1.3.6.1.4.1.57264.1.8', '0.9', '2.999.1', '1.2.840.113549']) {
    const oid = readOid(new DerReader(der.oid(dotted), 'test'))
    assert.equal(oid, oidOf(dotted))
    assert.equal(dottedOid(oid), dotted)
  }
})

test('X.690 §8.19: an object identifier has no padding, no loose end, and some content', () => {
  for (const hex of ['06028001', '060155aa'.slice(0, 4) + 'aa', '060187', '0600']) {
    assert.throws(() => readOid(reader(hex)), isMalformed, hex)
  }
  assert.throws(() => readOid(new DerReader(der.element(tags.oid, Buffer.alloc(65, 1)), 'x')))
})

test('X.690 §8.3: an integer is as short as can be', () => {
  for (const hex of ['02020001', '0202ff80', '0200']) {
    assert.throws(() => readInteger(reader(hex)), isMalformed, hex)
  }
  assert.equal(readInteger(reader('02020080')).toString('hex'), '0080')
  assert.equal(readPositive(reader('02020080')).toString('hex'), '80')
  assert.throws(() => readPositive(reader('020180')), isMalformed)
  assert.equal(readSmallInteger(reader('02047fffffff')), 2 ** 31 - 1)
  assert.throws(() => readSmallInteger(reader('0205010000000000')), isMalformed)
  assert.throws(() => readSmallInteger(reader('0201ff')), isMalformed)
})

test('X.690 §11.1: a boolean is all bits or none', () => {
  assert.equal(booleanOf(reader('0101ff').read(tags.boolean)), true)
  assert.equal(booleanOf(reader('010100').read(tags.boolean)), false)
  for (const hex of ['010101', '0100', '0102ffff']) {
    assert.throws(() => booleanOf(reader(hex).read(tags.boolean)), isMalformed)
  }
})

test('X.690 §11.2: named bits end with a one, and unused bits are zero', () => {
  const bits = (hex: string) => namedBitsOf(reader(hex).read(tags.bitString))
  assert.equal(bits('03020780'), 1)
  assert.equal(bits('03020106'), (1 << 5) | (1 << 6))
  assert.equal(bits('0303070080'), 1 << 8)
  assert.equal(bits('030100'), 0)
  for (const hex of ['03020080', '03020700', '030207c0', '03020880', '0300', '03040000000001']) {
    assert.throws(() => bits(hex), isMalformed, hex)
  }
})

test('a signature or key fills whole bytes', () => {
  assert.equal(readBytesOfBits(reader('03020080')).toString('hex'), '80')
  for (const hex of ['03020180', '0300'])
    assert.throws(() => readBytesOfBits(reader(hex)), isMalformed)
})

const time = (text: string, tag: number) => readTime(new DerReader(der.text(text, tag), 'test'))

test('times are read to the second, in both forms, and in the right century', () => {
  assert.equal(time('260301120000Z', tags.utcTime), Date.UTC(2026, 2, 1, 12))
  assert.equal(time('491231235959Z', tags.utcTime), Date.UTC(2049, 11, 31, 23, 59, 59))
  assert.equal(time('500101000000Z', tags.utcTime), Date.UTC(1950, 0, 1))
  assert.equal(time('20260301120000Z', tags.generalizedTime), Date.UTC(2026, 2, 1, 12))
  assert.equal(
    time('20260301120000.25Z', tags.generalizedTime),
    Date.UTC(2026, 2, 1, 12, 0, 0, 250),
  )
})

test('X.690 §11.7, §11.8: times without seconds, with offsets, or that no calendar has are refused', () => {
  const utc = ['2603011200Z', '260301120000', '260301120000+0100', '260230120000Z', '261301120000Z']
  for (const text of [...utc, '260301240000Z', '260301126000Z', '260301120060Z', '26030112000 Z']) {
    assert.throws(() => time(text, tags.utcTime), isMalformed, text)
  }
  for (const text of [
    '20260301120000.Z',
    '20260301120000.50Z',
    '20260301120000,5Z',
    '20260229120000Z',
    '21000229120000Z',
    '00010101000000Z',
    '19491231235959Z',
  ]) {
    assert.throws(() => time(text, tags.generalizedTime), isMalformed, text)
  }
})

test('text is UTF-8 without control characters', () => {
  assert.equal(textOf(Buffer.from('Ünïcode'), 'test'), 'Ünïcode')
  for (const bytes of [[0xff], [0xc0, 0x80], [0x41, 0x00], [0x0a], [0xc2, 0x85], [0x7f]]) {
    assert.throws(() => textOf(Buffer.from(bytes), 'test'), isMalformed)
  }
})
