// Devices, colours and language.

import { useClass } from './context';
import { DeviceFields } from './DeviceCheck';
import type { Layout } from './layout';
import { Dialog, Segments } from './parts';

export function Settings({ layout, onLayout, onClose }: { readonly layout: Layout; readonly onLayout: (layout: Layout) => void; readonly onClose: () => void }) {
  const { classroom, t, theme, setTheme, language, setLanguage } = useClass();
  return (
    <Dialog title={t('settings.title')} onClose={onClose} kind="settings">
      {classroom.mayPublish && (
        <section>
          <h3 className="sc-subhead">{t('settings.devices')}</h3>
          <DeviceFields />
        </section>
      )}
      <section>
        <h3 className="sc-subhead">{t('settings.appearance')}</h3>
        <div className="sc-row sc-row--between sc-onlysmall">
          <span>{t('layout.label')}</span>
          <Segments
            label={t('layout.label')}
            value={layout}
            onChoose={onLayout}
            choices={[
              { value: 'grid', label: t('layout.grid') },
              { value: 'speaker', label: t('layout.speaker') },
              { value: 'stage', label: t('layout.stage') },
            ]}
          />
        </div>
        <div className="sc-row sc-row--between">
          <span>{t('settings.theme')}</span>
          <Segments
            label={t('settings.theme')}
            value={theme}
            onChoose={setTheme}
            choices={[
              { value: 'light', label: t('settings.light') },
              { value: 'dark', label: t('settings.dark') },
            ]}
          />
        </div>
        <div className="sc-row sc-row--between">
          <span>{t('settings.language')}</span>
          <Segments
            label={t('settings.language')}
            value={language}
            onChoose={setLanguage}
            choices={[
              { value: 'en', label: 'English' },
              { value: 'zh', label: '中文' },
            ]}
          />
        </div>
      </section>
    </Dialog>
  );
}
