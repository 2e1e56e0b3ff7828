import { describe, expect, it } from 'vitest';
import { accepted, arrived, emptyView, failed, newest, receipt, retried, unread, written, type View } from './messages';

const progress = (view: View) => view.messages.map((message) => message.progress);
const texts = (view: View) => view.messages.map((message) => message.text);

describe('an own message', () => {
  it('goes from sending to sent, delivered and read', () => {
    let view = written(emptyView, 'a', 'hello', 1);
    expect(progress(view)).toEqual(['sending']);
    view = accepted(view, 'a', '100', 5);
    expect(view.messages[0]).toMatchObject({ id: '100', time: 5, progress: 'sent' });
    view = receipt(view, '100', 'delivered');
    expect(progress(view)).toEqual(['delivered']);
    view = receipt(view, '100', 'read');
    expect(progress(view)).toEqual(['read']);
  });

  it('never goes back', () => {
    let view = accepted(written(emptyView, 'a', 'hello', 1), 'a', '100');
    view = receipt(receipt(view, '100', 'read'), '100', 'delivered');
    expect(progress(view)).toEqual(['read']);
  });

  it('takes a receipt that came before its id', () => {
    let view = receipt(written(emptyView, 'a', 'hello', 1), '100', 'delivered');
    expect(progress(view)).toEqual(['sending']);
    view = accepted(view, 'a', '100');
    expect(progress(view)).toEqual(['delivered']);
  });

  it('can fail and be tried again', () => {
    let view = failed(written(emptyView, 'a', 'hello', 1), 'a');
    expect(progress(view)).toEqual(['failed']);
    view = retried(view, 'a');
    expect(progress(view)).toEqual(['sending']);
    expect(progress(failed(accepted(view, 'a', '100'), 'a'))).toEqual(['sent']);
  });

  it('is there once, though history has it already', () => {
    let view = written(emptyView, 'a', 'hello', 1);
    view = arrived(view, [{ id: '100', mine: true, text: 'hello', time: 2 }]);
    view = accepted(view, 'a', '100', 2);
    expect(texts(view)).toEqual(['hello']);
    expect(view.messages[0]?.key).toBe('a');
  });
});

describe('what arrives', () => {
  const arrival = (id: string, text = id) => ({ id, mine: false, text, time: Number(id) });

  it('stands in the order of the server, once', () => {
    let view = arrived(emptyView, [arrival('11'), arrival('9'), arrival('11')]);
    view = arrived(view, [arrival('10'), arrival('9')]);
    expect(texts(view)).toEqual(['9', '10', '11']);
    expect(arrived(view, [arrival('9')])).toBe(view);
  });

  it('stands before what has no id yet', () => {
    const view = arrived(written(emptyView, 'a', 'mine', 1), [arrival('10')]);
    expect(texts(view)).toEqual(['10', 'mine']);
  });

  it('knows what was said of own messages before', () => {
    const view = arrived({ ...emptyView, receipts: { '7': 'read' } }, [{ id: '7', mine: true, text: 'x', time: 7 }]);
    expect(progress(view)).toEqual(['read']);
  });

  it('is unread until it was acknowledged', () => {
    const view = arrived(accepted(written(emptyView, 'a', 'mine', 1), 'a', '3'), [arrival('1'), arrival('2')]);
    expect(unread(view, new Set(['1'])).map(({ id }) => id)).toEqual(['2']);
  });
});

it('the newest message is the one that was taken last', () => {
  const one = arrived(emptyView, [{ id: '1', mine: true, text: '', time: 10 }]);
  const other = arrived(emptyView, [{ id: '2', mine: true, text: '', time: 20 }]);
  expect(newest([one, other])).toBe('2');
  expect(newest([written(emptyView, 'a', '', 1)])).toBeUndefined();
});
