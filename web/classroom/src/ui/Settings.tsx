// Devices, colours and language.

import { useClass } from './context';
import { DeviceFields } from './DeviceCheck';
import { Dialog, Segments } from './parts';

export function Settings({ onClose }: { readonly onClose: () => void }) {
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
