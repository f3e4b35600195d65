@echo off
rem Copies the program to Program Files. If it is configured already (a new version), the service is registered and started.
setlocal
set "TARGET=%ProgramFiles%\meteragent"
set "CONFIG=%ProgramData%\meteragent\meteragent.toml"

net session >nul 2>&1
if errorlevel 1 (
    echo Please run this as administrator: right-click, "Run as administrator".
    goto failed
)
if exist "%TARGET%\meteragent.exe" "%TARGET%\meteragent.exe" service stop >nul 2>&1
if not exist "%TARGET%" mkdir "%TARGET%"
copy /y "%~dp0meteragent.exe" "%TARGET%\" >nul || goto failed
copy /y "%~dp0README.txt" "%TARGET%\" >nul || goto failed
if not exist "%CONFIG%" (
    if not exist "%ProgramData%\meteragent" mkdir "%ProgramData%\meteragent"
    "%TARGET%\meteragent.exe" check --example > "%CONFIG%" || goto failed
    echo The program is in "%TARGET%". Fill in customer, portal and network in
    echo     %CONFIG%
    echo with a text editor, then run, as administrator:
    echo     cd "%TARGET%"
    echo     meteragent check
    echo     meteragent service install
    echo     meteragent service start
    pause
    exit /b 0
)
"%TARGET%\meteragent.exe" service install || goto failed
"%TARGET%\meteragent.exe" service start || goto failed
pause
exit /b 0

:failed
echo Not installed.
pause
exit /b 1
